import type { CallContext, OperationOf, WriteKind } from "@db/core";
import { RecordId } from "surrealdb";
import type { Dialect } from "./dialect.ts";
import type { Statement } from "./find-text.ts";

/** No collection can have this name: core allows no hyphen in one. */
const LEDGER_TABLE = "db-ledger";

/** A row of the ledger. */
export interface LedgerRow {
  /** When the write was applied, by the database's clock. */
  readonly at: Date;
  /** The record that was written, whole. */
  readonly record: string;
  readonly fingerprint?: string;
  /** What a write with `returning` answered. */
  readonly row?: unknown;
}

export function defineText(): Statement {
  return { text: `DEFINE TABLE IF NOT EXISTS \`${LEDGER_TABLE}\` TYPE ANY SCHEMALESS PERMISSIONS NONE`, values: {} };
}

/** A field of a record is nothing where there is no record and no table; a SELECT would fail. */
export function lookUpText(operationId: string): Statement {
  return { text: "RETURN $_entry.at != NONE", values: { _entry: entryOf(operationId) } };
}

/**
 * A write and its row in the ledger as one statement, so one transaction. Answers `[NONE, row]` where the operation was
 * applied before, else `[answer]`.
 */
export function ledgeredText(
  { kind, id, returning }: OperationOf<WriteKind>,
  write: Statement,
  { operationId, fingerprint }: CallContext,
  dialect: Dialect,
): Statement {
  const print = fingerprint === undefined ? "" : ", fingerprint: $_fingerprint";
  const row = returning ? `, row: ${kind === "update" ? "$_answer.row" : "$_answer"}` : "";
  const content = `{ at: time::now(), record: $_record${print}${row} }`;
  const note = dialect.one("CREATE", `$_entry CONTENT ${content} RETURN NONE`);
  const text = [
    "{ LET $_known = $_entry.*; IF $_known { RETURN [NONE, $_known] }",
    `LET $_answer = (${write.text})`,
    // A create fails where it is not carried out; the others answer no object then, which is nothing to note.
    kind === "create" ? note : `IF ${dialect.is("object", "$_answer")} { ${note} }`,
    "[$_answer] }",
  ].join("; ");
  const values = { ...write.values, _entry: entryOf(operationId), _record: id };
  return { text, values: fingerprint === undefined ? values : { ...values, _fingerprint: fingerprint } };
}

/** A row of a page to prune. */
export interface PageRow {
  readonly id: RecordId;
  readonly old: boolean;
}

/** The next rows in the order of their keys, and of each whether its time is over, by the database's clock. */
export function pageText(from: string, to: string, retentionMs: number, pageSize: number, dialect: Dialect): Statement {
  const old = `at < time::now() - ${dialect.duration("$_age")} AS old`;
  const text = `SELECT id, ${old} FROM ${dialect.range("$_table", "$_from>..$_to")} LIMIT $_size`;
  return { text, values: { _table: LEDGER_TABLE, _from: from, _to: to, _age: retentionMs, _size: pageSize } };
}

export function deleteRowsText(rows: readonly PageRow[]): Statement {
  return { text: "DELETE $_old RETURN NONE", values: { _old: rows.map(({ id }) => id) } };
}

/** What tells its time by itself (UUIDv7) stands in the order of time; the rest, which does not, behind it. */
const TIMED = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UNTIMED = "~";

function entryOf(operationId: string): RecordId {
  return new RecordId(LEDGER_TABLE, TIMED.test(operationId) ? operationId : `${UNTIMED}${operationId}`);
}

/** The ranges of keys in which rows can be older than the time: the timed ones up to it, and all that are not timed. */
export function rangesBefore(time: number): readonly (readonly [from: string, to: string])[] {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, "0");
  return [
    ["", `${hex.slice(0, 8)}-${hex.slice(8)}-8`],
    [UNTIMED, `${UNTIMED}\uffff`],
  ];
}
