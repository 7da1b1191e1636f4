import { constants, type DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import {
  type CallContext,
  DatabaseErrorOf,
  type Fields,
  invalid,
  matchesFilter,
  type OperationOf,
  operationReused,
  type Page,
  type Row,
  rowAfter,
  selectPage,
  type WriteKind,
  type WriteResult,
} from "@db/core";

export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ledger (operation TEXT PRIMARY KEY, fingerprint TEXT, result BLOB NOT NULL) STRICT;
`;

/** What a query may not do: it would end the transaction that it stands in, or leave the file. */
const REFUSED: ReadonlySet<number> = new Set([
  constants.SQLITE_TRANSACTION,
  constants.SQLITE_SAVEPOINT,
  constants.SQLITE_ATTACH,
  constants.SQLITE_DETACH,
  constants.SQLITE_PRAGMA,
]);

/** The statements on one connection. All of it is synchronous, so nothing comes between its steps. */
export class Records {
  readonly #db: DatabaseSync;
  readonly #get: StatementSync;
  readonly #range: StatementSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #applied: StatementSync;
  readonly #note: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#get = db.prepare("SELECT body FROM records WHERE id = ?");
    this.#range = db.prepare("SELECT body FROM records WHERE id > ? AND id < ?");
    this.#put = db.prepare("INSERT INTO records VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body");
    this.#drop = db.prepare("DELETE FROM records WHERE id = ?");
    this.#applied = db.prepare("SELECT fingerprint, result FROM ledger WHERE operation = ?");
    this.#note = db.prepare("INSERT INTO ledger VALUES (?, ?, ?)");
  }

  read(id: string): Row | undefined {
    const found = this.#get.get(id);
    return found === undefined ? undefined : decoded<Row>(found.body);
  }

  find({ collection, query }: OperationOf<"find">): Page {
    return selectPage(this.#rowsOf(collection), collection, query);
  }

  count({ collection, where }: OperationOf<"count">): number {
    return [...this.#rowsOf(collection)].filter((row) => where === undefined || matchesFilter(row, where)).length;
  }

  /** Stands in a transaction: the record, and its row in the ledger, or neither. */
  write(operation: OperationOf<WriteKind>, { operationId, ledger, fingerprint }: CallContext): WriteResult {
    const earlier = ledger ? this.#applied.get(operationId) : undefined;
    if (earlier !== undefined) {
      const known = earlier.fingerprint ?? undefined;
      if (known !== undefined && fingerprint !== undefined && known !== fingerprint) throw operationReused();
      return decoded(earlier.result);
    }
    const { id, returning } = operation;
    const before = this.read(id);
    const after = rowAfter(operation, before);
    if (after === undefined) this.#drop.run(id);
    else this.#put.run(id, serialize(after));
    const row = after ?? before;
    const written: WriteResult = { id, operationId, status: "committed" };
    const result = returning && row !== undefined ? { ...written, row } : written;
    if (ledger) this.#note.run(operationId, fingerprint ?? null, serialize(result));
    return result;
  }

  wasApplied(operationId: string): boolean {
    return this.#applied.get(operationId) !== undefined;
  }

  query(text: string, params: Fields): readonly unknown[] {
    this.#db.setAuthorizer((action) => (REFUSED.has(action) ? constants.SQLITE_DENY : constants.SQLITE_OK));
    try {
      const statement = this.#db.prepare(text);
      // SQLite compiles the first statement and leaves out the rest.
      if (text.slice(statement.sourceSQL.length).trim() !== "") {
        throw new DatabaseErrorOf("INVALID_QUERY", "expected one statement, got more", { expected: "one statement" });
      }
      statement.setReadBigInts(true);
      return statement.all(bindable(params)).map((row) => mapped(row, fromInteger));
    } finally {
      this.#db.setAuthorizer(null);
    }
  }

  *#rowsOf(collection: string): Generator<Row> {
    // ";" is the character after ":", and no collection's name holds either.
    for (const { body } of this.#range.iterate(`${collection}:`, `${collection};`)) yield decoded<Row>(body);
  }
}

/** The contract's values, all of them, as bytes. JSON has no bigint, no date, no bytes and no -0. */
function decoded<T>(bytes: SQLOutputValue | undefined): T {
  return deserialize(bytes as Uint8Array) as T;
}

function bindable(params: Fields): Record<string, SQLInputValue> {
  return mapped(params, (value, name) => {
    if (value === null || ["number", "bigint", "string"].includes(typeof value) || value instanceof Uint8Array)
      return value as SQLInputValue;
    throw invalid(["params", name], "type", "null, a number, a string or bytes");
  });
}

/** Whole numbers as the contract has them: a number where that is exact, a bigint beyond. */
function fromInteger(value: SQLOutputValue): SQLOutputValue {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function mapped<T, R>(fields: { readonly [name: string]: T }, change: (value: T, name: string) => R) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value, name)]));
}
