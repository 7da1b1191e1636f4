import { invalid } from "./errors.ts";
import { checkFilter, type Filter } from "./filter.ts";
import type { OperationOf } from "./operation.ts";
import { describe, isDuration, isSignal, MAX_TIMER_MS } from "./options.ts";
import { planQuery, type Query } from "./query.ts";
import { newRecordId, parseRecordId } from "./record-id.ts";
import type { CreateOptions, DeleteOptions, QueryOptions, UpdateOptions } from "./service.ts";
import {
  checkCollection,
  checkName,
  classOf,
  type Fields,
  isPlainObject,
  type Owns,
  type Patch,
  setField,
  takeValue,
  type Value,
} from "./value.ts";

export function buildCreate(
  collection: string,
  data: Patch,
  options: CreateOptions,
  owns: Owns,
): OperationOf<"create"> {
  checkCollection(collection);
  const id = options.id === undefined ? newRecordId(collection) : options.id;
  parseRecordId(id, collection);
  const { fields } = splitPatch(data, id, owns);
  return { kind: "create", collection, id, data: fields, returning: options.returning ?? false };
}

export function buildRead(id: string): OperationOf<"read"> {
  return { kind: "read", collection: parseRecordId(id).collection, id };
}

export function buildUpdate(id: string, data: Patch, options: UpdateOptions, owns: Owns): OperationOf<"update"> {
  const { collection } = parseRecordId(id);
  const { mode = "merge", returning = false } = options;
  if (mode !== "merge" && mode !== "replace" && mode !== "increment") {
    throw invalid(["mode"], "mode", '"merge", "replace" or "increment"');
  }
  const { fields, removed } = splitPatch(data, id, owns);
  if (mode === "increment") {
    const wrong = removed[0] ?? Object.keys(fields).find((name) => classOf(fields[name]) !== "number");
    if (wrong !== undefined) throw invalid([wrong], "increment", "a number to add");
  }
  const remove = mode === "merge" ? removed : [];
  return { kind: "update", collection, id, mode, data: fields, remove, expect: checkExpect(options, owns), returning };
}

export function buildDelete(id: string, _: undefined, options: DeleteOptions, owns: Owns): OperationOf<"delete"> {
  const { collection } = parseRecordId(id);
  return { kind: "delete", collection, id, expect: checkExpect(options, owns), returning: options.returning ?? false };
}

export function buildFind(collection: string, query: Query | undefined, _: object, owns: Owns): OperationOf<"find"> {
  return { kind: "find", collection, query: planQuery(collection, query, owns) };
}

export function buildCount(collection: string, where: Filter | undefined, _: object, owns: Owns): OperationOf<"count"> {
  checkCollection(collection);
  return { kind: "count", collection, where: where === undefined ? undefined : checkFilter(where, owns) };
}

export function buildQuery(text: string, params: Fields, options: QueryOptions, owns: Owns): OperationOf<"query"> {
  if (typeof text !== "string" || text.trim() === "") throw invalid(["text"], "text", "a non-empty query text");
  const { access = "write" } = options;
  if (access !== "read" && access !== "write") throw invalid(["access"], "access", '"read" or "write"');
  if (!isPlainObject(params)) throw invalid(["params"], "type", "a plain object of values");
  for (const name of Object.keys(params)) {
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw invalid(["params", name], "param_name", "a parameter with a name of letters, digits and underscores");
  }
  return { kind: "query", text, params: takeValue(params as Fields, ["params"], owns), access };
}

/**
 * Fields to set and fields to take away; an `id` among them must be the record's own and is left out. What is checked is
 * what is written: a copy, for the caller may change its object while the call waits for its turn.
 */
function splitPatch(
  data: Patch,
  id: string,
  owns: Owns,
): { readonly fields: Fields; readonly removed: readonly string[] } {
  if (!isPlainObject(data)) throw invalid([], "type", "a plain object of fields");
  const fields: { [field: string]: Value } = {};
  const removed: string[] = [];
  for (const [name, value] of Object.entries(data) as [string, Value | undefined][]) {
    if (name === "id") {
      if (value !== undefined && value !== id) throw invalid(["id"], "id", "absent or equal to the record's own id");
      continue;
    }
    checkName(name, []);
    if (value === undefined) removed.push(name);
    else setField(fields, name, takeValue(value, [name], owns));
  }
  return { fields, removed };
}

function checkExpect(options: DeleteOptions, owns: Owns): Fields | undefined {
  const { expect } = options;
  if (expect === undefined) return undefined;
  if (!isPlainObject(expect)) throw invalid(["expect"], "type", "a plain object of fields");
  return takeValue(expect as Fields, ["expect"], owns);
}

/**
 * Per-call options are checked at the call: a typo must not become a missing timeout. To be used is the copy that comes
 * back, which holds what was checked: own fields, each read once.
 */
export function checkCallOptions<O extends object>(options: O, known: readonly string[]): O {
  if (!isPlainObject(options)) throw invalid(["options"], "type", `a plain object, got ${describe(options)}`);
  const checked: { [name: string]: unknown } = {};
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw invalid(["options", name], "unknown_option", `one of ${known.join(", ")}`);
    const rule = value === undefined ? undefined : CALL_OPTION_RULES[name];
    if (rule !== undefined && !rule.holds(value))
      throw invalid(["options", name], name, `${rule.expected}, got ${describe(value)}`);
    checked[name] = value;
  }
  return checked as O;
}

interface OptionRule {
  readonly expected: string;
  holds(value: unknown): boolean;
}

const CALL_OPTION_RULES: { readonly [name: string]: OptionRule } = {
  signal: { expected: "an AbortSignal", holds: isSignal },
  timeoutMs: { expected: `a number of milliseconds in 1..${MAX_TIMER_MS}`, holds: isDuration },
  operationId: {
    expected: "1..128 letters, digits or . : _ -",
    holds: (value) => typeof value === "string" && /^[\w.:-]{1,128}$/.test(value),
  },
  fingerprint: {
    expected: "1..128 printable ASCII characters",
    holds: (value) => typeof value === "string" && /^[!-~]{1,128}$/.test(value),
  },
  drainMs: {
    expected: `a number of milliseconds in 0..${MAX_TIMER_MS}`,
    holds: (value) => value === 0 || isDuration(value),
  },
  returning: { expected: "a boolean", holds: (value) => typeof value === "boolean" },
  maxAttempts: {
    expected: "an integer in 1..100",
    holds: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100,
  },
};
