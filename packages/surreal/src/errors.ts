import { type DatabaseError, DatabaseErrorOf, type Effect, isDatabaseError } from "@db/core";

/** What an error is seen in: what the engine's text does not tell. */
export interface Seen {
  /** The effect of a failure that does not itself say that nothing happened. */
  readonly effect: Effect;
  /** The record that was written. */
  readonly id?: string;
}

/** The parts of the SDK's errors that rules go by. The SDK's `CborNumberError` is not even an `Error`. */
interface Told {
  readonly name: string;
  readonly message: string;
  readonly code: number;
  readonly kind: string;
  readonly detail: string;
}

interface Rule {
  readonly when: (told: Told) => boolean;
  readonly make: (told: Told, seen: Seen, cause: unknown) => DatabaseError;
}

/** Statements that were refused are rolled back by the engine: nothing of them stays. */
const harmless = (cause: unknown): { readonly effect: "none"; readonly cause: unknown } => ({ effect: "none", cause });
const CONFLICT =
  /^(?:Query not executed: )?Transaction conflict: |^Failed to commit transaction due to a read or write conflict/;
/** Servers before 3.0 say what failed, the request or the transaction, before they say why. */
const WHAT_FAILED =
  /^There was a problem with the database: |^The query was not executed due to a failed transaction\. /;
/** They tell no kinds either: what follows has no details to go by there. */
const THROWN = /^An error occurred: /;
const RECORD_EXISTS = /^Database record `.*` already exists$/s;
const TIMED_OUT = /^The query was not executed because it exceeded the timeout/;
const TABLE_MISSING = /^The table '(.*)' does not exist$/s;
const DEFINED = /^The \w+ '.*' already exists$/s;
/** The code of what failed as a whole. */
const REQUEST_FAILED = -32_000;
const EXPIRED = /^The (?:session|token) has expired$/;
const UNAUTHENTICATED = /^There was a problem with authentication$|^The access method does not exist$/;
const NOT_PERMITTED = /^IAM error: /;
const UNPARSED = /^Parse error: /;
const UNFIT =
  /^(?:Can not execute \w+ statement using |Cannot perform |Expected a .* but cannot convert |Expected a single result |Incorrect arguments for function )/s;
const UNREADABLE_TOKEN = /^(?:InvalidToken$|(?:Base64|JSON|UTF-8) error: )/;
const LOCKED = /already locked by another process|lock hold by current process|While lock file/;
/** Greedy up to the last match: the text before it holds values, which may imitate it. */
const FIELD = /^(?:Found .* for field|Couldn't coerce value for field) `(.+?)`(?: of |, with record )/s;
const UNKNOWN_FIELD = /^Found field '(.+)', but no such field exists for table/s;
const SCHEMA_EVENT = /^Error while processing event /;
const UNKNOWN_FUNCTION = /^(?:The function|Function) '.*' (?:does not exist|not found)/s;
const INDEX = /^Database index `(.+?)` already contains /s;

/**
 * The engine's errors (3.0.2; without kinds and details 2.6.0) as the contract's: first match wins. Details are preferred; text is
 * read only where there are none, from its start, and never of a THROW, whose text is the caller's.
 */
const RULES: readonly Rule[] = [
  {
    when: ({ kind, message }) => kind === "Thrown" || (kind === "Internal" && THROWN.test(message)),
    make: (_, __, cause) =>
      new DatabaseErrorOf(
        "INVALID_QUERY",
        "the query ended with THROW; see cause",
        { expected: "a query that does not THROW" },
        harmless(cause),
      ),
  },
  {
    when: ({ kind, detail, message }) =>
      (kind === "AlreadyExists" && detail === "Record") || (kind === "Internal" && RECORD_EXISTS.test(message)),
    make: (_, { id = "" }, cause) =>
      new DatabaseErrorOf("ALREADY_EXISTS", "a record of this id exists", { id }, harmless(cause)),
  },
  {
    when: ({ kind, message }) => kind === "AlreadyExists" || (kind === "Internal" && DEFINED.test(message)),
    make: (_, __, cause) =>
      new DatabaseErrorOf("ALREADY_EXISTS", "what the query defines already exists", { id: "" }, harmless(cause)),
  },
  {
    when: ({ kind, message }) => kind === "NotFound" || (kind === "Internal" && TABLE_MISSING.test(message)),
    make: (_, { id = "" }, cause) =>
      new DatabaseErrorOf("NOT_FOUND", "what was asked for does not exist", { id }, harmless(cause)),
  },
  {
    when: ({ message, detail }) => detail === "TransactionConflict" || CONFLICT.test(message),
    make: (_, __, cause) => new DatabaseErrorOf("CONFLICT", "another write got there first", {}, harmless(cause)),
  },
  {
    when: ({ kind, detail, message }) => detail === "TimedOut" || (kind === "Internal" && TIMED_OUT.test(message)),
    make: ({ message }, _, cause) =>
      new DatabaseErrorOf(
        "QUERY_TIMEOUT",
        "the query's own TIMEOUT has passed",
        { timeoutMs: durationOf(message) },
        harmless(cause),
      ),
  },
  {
    when: ({ kind, detail, code, message }) =>
      (kind === "NotAllowed" && (detail === "Auth" || code === -32002)) ||
      (kind === "Internal" && (UNAUTHENTICATED.test(message) || EXPIRED.test(message))),
    make: (_, __, cause) =>
      new DatabaseErrorOf("AUTHENTICATION_FAILED", "the database refused the credentials", {}, harmless(cause)),
  },
  {
    when: ({ kind, message }) => kind === "NotAllowed" || (kind === "Internal" && NOT_PERMITTED.test(message)),
    make: (_, __, cause) =>
      new DatabaseErrorOf("PERMISSION_DENIED", "the database refused the permission", {}, harmless(cause)),
  },
  {
    when: ({ kind, message }) => kind === "Validation" && message === "Transaction not found",
    make: (_, __, cause) =>
      new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {}, harmless(cause)),
  },
  {
    when: ({ kind, message }) =>
      kind === "Validation" || (kind === "Internal" && (UNPARSED.test(message) || UNFIT.test(message))),
    make: (_, __, cause) =>
      new DatabaseErrorOf(
        "INVALID_QUERY",
        "the database refused the query; see cause",
        { expected: "a valid query" },
        harmless(cause),
      ),
  },
  {
    when: ({ message }) => INDEX.test(message),
    make: ({ message }, __, cause) => {
      const index = INDEX.exec(message)?.[1] ?? "";
      return new DatabaseErrorOf(
        "UNIQUE_VIOLATION",
        `the unique index ${index} already has this value`,
        { index },
        harmless(cause),
      );
    },
  },
  {
    when: ({ message }) => FIELD.test(message) || UNKNOWN_FIELD.test(message),
    make: ({ message }, __, cause) => {
      const field = (FIELD.exec(message) ?? UNKNOWN_FIELD.exec(message))?.[1] ?? "";
      return new DatabaseErrorOf(
        "FIELD_VIOLATION",
        `the schema refuses the value of the field ${field}`,
        { field },
        harmless(cause),
      );
    },
  },
  {
    when: ({ message }) => SCHEMA_EVENT.test(message) || UNKNOWN_FUNCTION.test(message),
    make: (_, __, cause) => {
      const expected = "what the schema's events accept and functions that exist";
      return new DatabaseErrorOf("INVALID_QUERY", `expected ${expected}; see cause`, { expected }, harmless(cause));
    },
  },
  {
    when: ({ name }) =>
      /^(?:UnexpectedConnection|ConnectionUnavailable|CallTerminated|UnsupportedEngine|HttpConnection)Error$/.test(
        name,
      ),
    make: (_, { effect }, cause) =>
      new DatabaseErrorOf(
        "CONNECTION_FAILED",
        "the connection to the database failed; see cause",
        {},
        { effect, cause },
      ),
  },
  {
    when: ({ name, message }) => name === "CborNumberError" || message === "RecursionLimitExceeded",
    make: (_, __, cause) => {
      const issue = { path: [], rule: "storable", expected: "a value that SurrealDB can store" };
      return new DatabaseErrorOf(
        "VALIDATION_FAILED",
        `expected ${issue.expected}; see cause`,
        { issues: [issue] },
        harmless(cause),
      );
    },
  },
];

/** Every error that leaves the adapter comes through here. */
export function classify(thrown: unknown, seen: Seen): DatabaseError {
  if (isDatabaseError(thrown)) return thrown;
  const told = read(thrown);
  const rule = RULES.find(({ when }) => when(told));
  if (rule !== undefined) return rule.make(told, seen, thrown);
  return new DatabaseErrorOf(
    "INTERNAL",
    "the database failed in a way that is not known; see cause",
    {},
    { effect: seen.effect, cause: thrown },
  );
}

/** The server refused a request because its session or token is over, or gone: nothing of it was done. */
export function isSessionExpired(error: unknown): boolean {
  const { kind, detail, message, code } = read(error);
  // Before 3.0 the code is all there is beside the text.
  if (kind === "Internal") return code === REQUEST_FAILED && EXPIRED.test(message);
  if (kind === "NotFound" && detail === "Session") return true;
  if (kind !== "NotAllowed") return false;
  const { details } =
    (error as { readonly details?: { readonly details?: { readonly kind?: unknown } } }).details ?? {};
  const reason = detail === "Auth" ? text(details?.kind) : "";
  return /^(?:Session|Token)Expired$/.test(reason) || EXPIRED.test(message);
}

/**
 * A collection that does not exist yet is no failure: it reads as empty, and holds no record to change.
 * @param table the one that may be missing; the schema's own expressions ask for others. Default: any
 */
export function isMissingTable(error: unknown, table?: string): boolean {
  if (!isDatabaseError(error) || error.code !== "NOT_FOUND") return false;
  const told = read(error.cause);
  const [, name = table] = TABLE_MISSING.exec(told.message) ?? [];
  return isTable(told) && (table === undefined || name === table);
}

/** The database cannot read a token. Only of an `authenticate` is its text believed: it is that of the reader alone. */
export function isUnreadableToken(error: unknown): boolean {
  const { kind, message } = read(error);
  return kind === "Internal" && UNREADABLE_TOKEN.test(message);
}

/** Why an engine could not be opened. Only here is its text about a lock believed: elsewhere it may be a caller's value. */
export function classifyOpening(thrown: unknown, path: string): DatabaseError {
  if (isDatabaseError(thrown)) return thrown;
  const told = read(thrown).message;
  if (LOCKED.test(told)) {
    const message = `${path} is open already: one process at a time, and a rocksdb path only once in a process`;
    const retryable = !told.includes("lock hold by current process");
    return new DatabaseErrorOf("DATABASE_LOCKED", message, { path }, { retryable, ...harmless(thrown) });
  }
  return new DatabaseErrorOf(
    "CONNECTION_FAILED",
    `cannot open ${path}; see cause`,
    {},
    { retryable: false, cause: thrown },
  );
}

function isTable({ detail, message }: Told): boolean {
  return detail === "Table" || TABLE_MISSING.test(message);
}

function read(thrown: unknown): Told {
  const { name, message, code, kind, details } = (thrown ?? {}) as { readonly [key: string]: unknown };
  const detail = (details as { readonly kind?: unknown } | undefined)?.kind;
  return {
    name: text(name),
    message: text(message).replace(WHAT_FAILED, ""),
    code: typeof code === "number" ? code : 0,
    kind: text(kind),
    detail: text(detail),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The end of a text such as "…the timeout: 1s500ms", in milliseconds. */
function durationOf(message: string): number {
  const units: { readonly [unit: string]: number } = {
    ns: 1e-6,
    µs: 1e-3,
    us: 1e-3,
    ms: 1,
    s: 1_000,
    m: 60_000,
    h: 3_600_000,
  };
  const parts = /: ([\d.a-zµ]+)$/.exec(message)?.[1]?.matchAll(/(\d+)(ns|µs|us|ms|s|m|h)/g) ?? [];
  return [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ""] ?? 0), 0);
}
