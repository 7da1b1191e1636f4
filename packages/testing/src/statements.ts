import {
  addNumbers,
  copyValue,
  DatabaseErrorOf,
  type Fields,
  getField,
  isEqual,
  matchesFilter,
  type OperationOf,
  type Page,
  type Row,
  selectPage,
  setField,
  type Value,
  type WriteKind,
  type WriteResult,
} from "@db/core";
import type { View } from "./store.ts";

/** What a write answers beside its row. */
export interface WriteFacts {
  readonly operationId: string;
  /** Record the operation id together with the write; a second write under it changes nothing. */
  readonly ledger: boolean;
}

export function readRecord(view: View, { collection, id }: OperationOf<"read">): Row | undefined {
  return copyValue(view.get(collection, id));
}

export function findRecords(view: View, { collection, query }: OperationOf<"find">): Page {
  const { items, next } = selectPage(view.rows(collection), collection, query);
  return { items: items.map(copyValue), next };
}

export function countRecords(view: View, { collection, where }: OperationOf<"count">): number {
  let count = 0;
  for (const row of view.rows(collection)) if (where === undefined || matchesFilter(row, where)) count += 1;
  return count;
}

/**
 * Runs a write, or answers as it did the first time when the ledger knows its operation id.
 * @throws ALREADY_EXISTS, NOT_FOUND, PRECONDITION_FAILED, FIELD_VIOLATION; then nothing has changed
 */
export function writeRecord(view: View, operation: OperationOf<WriteKind>, facts: WriteFacts): WriteResult {
  const { operationId, ledger } = facts;
  const earlier = ledger ? view.applied(operationId) : undefined;
  if (earlier !== undefined) return copyValue(earlier);
  const { collection, id, returning } = operation;
  const before = view.get(collection, id);
  const after = rowAfter(operation, before);
  view.set(collection, id, after);
  const row = after ?? before;
  const result: WriteResult = {
    id,
    operationId,
    status: "committed",
    ...(returning && row !== undefined ? { row: copyValue(row) } : {}),
  };
  if (ledger) view.setApplied(result);
  return copyValue(result);
}

/** The record after the write; undefined for a delete. */
function rowAfter(operation: OperationOf<WriteKind>, before: Row | undefined): Row | undefined {
  const { id } = operation;
  if (operation.kind === "create") {
    if (before !== undefined) throw new DatabaseErrorOf("ALREADY_EXISTS", "a record of this id exists", { id });
    return { id, ...copyValue(operation.data) };
  }
  if (before === undefined) throw new DatabaseErrorOf("NOT_FOUND", "no record of this id exists", { id });
  checkExpected(before, operation.expect);
  if (operation.kind === "delete") return undefined;
  const data = copyValue(operation.data);
  switch (operation.mode) {
    case "replace":
      return { id, ...data };
    case "merge":
      return merge(before, data, operation.remove);
    case "increment":
      return merge(before, incremented(before, data), []);
  }
}

function checkExpected(row: Row, expect: Fields = {}): void {
  for (const [name, wanted] of Object.entries(expect)) {
    if (isEqual(getField(row, name), wanted)) continue;
    throw new DatabaseErrorOf("PRECONDITION_FAILED", "a field is not as expected", { id: row.id });
  }
}

function merge(row: Row, data: Fields, remove: readonly string[]): Row {
  const merged: { [field: string]: Value; id: string } = { ...row };
  for (const name of remove) delete merged[name];
  for (const [name, value] of Object.entries(data)) setField(merged, name, value);
  return merged;
}

function incremented(row: Row, data: Fields): Fields {
  const sums: { [field: string]: Value } = {};
  for (const [field, step] of Object.entries(data)) {
    const found = Object.hasOwn(row, field) ? row[field] : 0;
    const sum = isNumber(found) && isNumber(step) ? addNumbers(found, step) : undefined;
    if (sum === undefined) {
      const message = isNumber(found) ? "the sum does not fit" : "only a number can be incremented";
      throw new DatabaseErrorOf("FIELD_VIOLATION", message, { field });
    }
    setField(sums, field, sum);
  }
  return sums;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
