import { DatabaseErrorOf } from "./errors.ts";
import { isEqual } from "./match.ts";
import type { OperationOf, WriteKind } from "./operation.ts";
import { addNumbers, copyValue, type Fields, getField, type Row, setField, type Value } from "./value.ts";

/**
 * The exact meaning of a write, on a row in memory: the record that it leaves; undefined for a delete. Changes nothing itself.
 * @throws ALREADY_EXISTS, NOT_FOUND, PRECONDITION_FAILED, FIELD_VIOLATION
 */
export function rowAfter(operation: OperationOf<WriteKind>, before: Row | undefined): Row | undefined {
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
