import {
  type DatabaseError,
  DatabaseErrorOf,
  type Effect,
  isDatabaseError,
  toDatabaseError,
  unsupported,
} from "@db/core";

/** Where it failed. Before the commit all is undone; in the middle of one the disk may have said no half-way. */
export type Phase = "open" | "statement" | "commit";

interface Failure {
  readonly path: string;
  /** What the phase alone says. An entry says `none` where SQLite promises that nothing was changed. */
  readonly effect: Effect;
  readonly cause: unknown;
  /** The part of SQLite's text that names columns: names, never values. */
  readonly columns: string;
}

const conflict = ({ cause }: Failure) =>
  new DatabaseErrorOf("CONFLICT", "another connection has the write lock", {}, { cause });
const refused = ({ cause }: Failure) =>
  new DatabaseErrorOf("PERMISSION_DENIED", "the connection may only read", {}, { cause });
const unwritten = ({ path, cause, effect }: Failure) =>
  new DatabaseErrorOf("STORAGE_FAILED", `${path} could not be read or written`, { path }, { cause, effect });
const damaged = ({ path, cause, effect }: Failure) =>
  new DatabaseErrorOf("STORAGE_DAMAGED", `${path} is no whole database`, { path, found: [] }, { cause, effect });
const unique = ({ columns, cause }: Failure) =>
  new DatabaseErrorOf("UNIQUE_VIOLATION", `${columns} has that value already`, { index: columns }, { cause });
const field = ({ columns, cause }: Failure) =>
  new DatabaseErrorOf("FIELD_VIOLATION", `${columns} refuses that value`, { field: columns }, { cause });
const noQuery = ({ cause }: Failure) =>
  new DatabaseErrorOf("INVALID_QUERY", "SQLite refuses the text; see cause", { expected: "one statement" }, { cause });

/** By result code (sqlite.org/rescode.html): an extended one where it stands here, else its primary one. */
const TABLE: { readonly [code: number]: (failure: Failure) => DatabaseError } = {
  1: noQuery, // SQLITE_ERROR
  5: conflict, // SQLITE_BUSY: also at COMMIT the transaction is still open, and is rolled back then
  6: conflict, // SQLITE_LOCKED
  8: refused, // SQLITE_READONLY
  10: unwritten, // SQLITE_IOERR
  11: damaged, // SQLITE_CORRUPT
  13: (failure) => unwritten({ ...failure, effect: "none" }), // SQLITE_FULL: found out before the commit
  14: unwritten, // SQLITE_CANTOPEN
  19: field, // SQLITE_CONSTRAINT: CHECK, NOT NULL, foreign keys
  23: () => unsupported("transactions, PRAGMA and ATTACH in a query"), // SQLITE_AUTH
  26: damaged, // SQLITE_NOTADB
  1555: unique, // SQLITE_CONSTRAINT_PRIMARYKEY
  2067: unique, // SQLITE_CONSTRAINT_UNIQUE
};

/** The one place that knows SQLite's errors. What it does not know is INTERNAL, never a guess. */
export function fromSqlite(thrown: unknown, path: string, phase: Phase): DatabaseError {
  if (isDatabaseError(thrown)) return thrown;
  const effect = phase === "commit" ? "unknown" : "none";
  const { errcode, message = "" } = thrown as { readonly errcode?: number; readonly message?: string };
  const failure = { path, effect, cause: thrown, columns: message.split(": ").at(-1) ?? "" } as const;
  if (message.startsWith("Unknown named parameter")) return noQuery(failure); // node:sqlite's own
  const classify = errcode === undefined ? undefined : (TABLE[errcode] ?? TABLE[errcode & 0xff]);
  return classify?.(failure) ?? toDatabaseError(thrown, effect);
}
