import { isPlainObject, type Row, setField, unsupported } from "@db/core";
import { Decimal, RecordId } from "surrealdb";

/** The record that an id names; core has checked the id. */
export function recordOf(id: string): RecordId {
  const colon = id.indexOf(":");
  return new RecordId(id.slice(0, colon), id.slice(colon + 1));
}

/**
 * A row as the contract has it, its id as text.
 * @throws UNSUPPORTED for a key that is not text: such rows are for `query`
 */
export function rowOf(found: unknown): Row {
  const { id } = found as { readonly id: unknown };
  return { ...(found as Row), id: idOf(id) };
}

/** Inside a transaction the engine (3.0.2) leaves the id out of a row that this transaction wrote; the caller knows it. */
export function withId(found: unknown, id: string): Row {
  return { ...(found as Row), id };
}

/** A row as it stands in the order: its decimals among the numbers. */
export function withNumbers(row: Row): Row {
  return numbersIn(row) as Row;
}

function numbersIn(value: unknown): unknown {
  if (value instanceof Decimal) return Number(value.toString());
  if (!isPlainObject(value)) return value;
  const copy: { [field: string]: unknown } = {};
  for (const [name, field] of Object.entries(value)) setField(copy, name, numbersIn(field));
  return copy;
}

/** The whole id as text. @throws UNSUPPORTED for a key that is not text */
export function idOf(id: unknown): string {
  if (id instanceof RecordId) {
    const { table, id: key }: { table: { name: string }; id: unknown } = id;
    if (typeof key === "string") return `${table.name}:${key}`;
    throw unsupported(`the key of ${id.toString()}`, "only text keys; use query for such rows");
  }
  throw unsupported("a row without a record id");
}
