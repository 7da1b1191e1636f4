import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import {
  type CallOptions,
  type DatabaseError,
  type Effect,
  type ErrorCode,
  equalValues,
  isDatabaseError,
  type Row,
  type Statements,
} from "@db/core";

/** What the promise rejected with, which must be a `DatabaseError`. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<DatabaseError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) assert.fail(`expected ${what} to reject, it resolved to ${show(outcome.value)}`);
  if (!isDatabaseError(outcome.error)) {
    assert.fail(`expected ${what} to reject with a DatabaseError, got ${show(outcome.error)}`);
  }
  return outcome.error;
}

/** The code, the effect (default `none`), and the facts where given. */
export async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  { what = "the call", effect = "none", facts }: { what?: string; effect?: Effect; facts?: object } = {},
): Promise<DatabaseError> {
  const error = await rejection(promise, what);
  assert.equal(error.code, code, `expected ${what} to reject with ${code}, got ${show(error)}`);
  assert.equal(error.effect, effect, `expected ${what} to tell effect "${effect}", got "${error.effect}"`);
  if (facts !== undefined) assert.deepEqual({ ...error.facts }, facts, `the facts of ${what}`);
  return error;
}

/** Equal as values, and whole numbers of the kind that the contract reads back. */
export function sameValue(actual: unknown, expected: unknown, what: string): void {
  if (!equalValues(actual, expected)) assert.fail(`expected ${what} to be ${show(expected)}, got ${show(actual)}`);
  const wrong = findSafeBigint(actual);
  if (wrong !== undefined) assert.fail(`expected ${what} to have ${wrong} as a number, got a bigint`);
}

/** Reads the record back and compares all its fields; `undefined` stands for no record. */
export async function isStored(
  db: Pick<Statements, "read">,
  id: string,
  fields: object | undefined,
  options: CallOptions = {},
): Promise<void> {
  const row = await db.read(id, options);
  sameMaybe(row, fields === undefined ? undefined : { ...fields, id }, `the record ${show(id)}`);
}

export function idsOf(rows: readonly Row[]): readonly string[] {
  return rows.map((row) => row.id);
}

/** Again after a CONFLICT without effect, as any caller would: what is promised is that no acknowledged write is lost. */
export async function retryingConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const again = isDatabaseError(error) && error.code === "CONFLICT" && error.effect === "none";
      if (!again || attempt === 200) throw error;
      await sleep(Math.random() * Math.min(50, 2 ** attempt));
    }
  }
}

export function show(value: unknown): string {
  const text = inspect(value, { depth: 4, maxStringLength: 200, maxArrayLength: 30, breakLength: 120 });
  return text.length > 1_500 ? `${text.slice(0, 1_500)}…` : text;
}

function sameMaybe(actual: unknown, expected: unknown, what: string): void {
  if (actual === undefined || expected === undefined) {
    if (actual !== expected) assert.fail(`expected ${what} to be ${show(expected)}, got ${show(actual)}`);
  } else sameValue(actual, expected, what);
}

function findSafeBigint(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? value : undefined;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return undefined;
  for (const field of Object.values(value)) {
    const found = findSafeBigint(field);
    if (found !== undefined) return found;
  }
  return undefined;
}
