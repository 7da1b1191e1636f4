import { describe } from "./options.ts";

/** One thing that was wrong with an input. */
export interface Issue {
  /** Where: field names and array positions from the outside in. */
  readonly path: readonly (string | number)[];
  /** The rule that was broken, as a stable word: `max_length`, `type`, … */
  readonly rule: string;
  /** What would have been right, as a sentence part: "at most 200 characters". */
  readonly expected: string;
}

/** What each code carries in `error.facts`. */
export interface ErrorFacts {
  /** The connection broke, or could not be made. */
  CONNECTION_FAILED: object;
  /** `connect()` has not been called. */
  NOT_CONNECTED: object;
  /** The database is away, or not there yet. Milliseconds until the next dial, 1 or more. */
  SERVICE_UNAVAILABLE: { readonly retryAfterMs: number };
  /** No connection came free in time. */
  POOL_EXHAUSTED: object;
  /** A deadline passed: of the call, or of an attempt. */
  QUERY_TIMEOUT: { readonly timeoutMs: number };
  /** The caller's signal fired; its reason is the `cause`. */
  CANCELLED: object;
  /** Two writes met; nothing was changed. */
  CONFLICT: object;
  /** A field was not as `expect` said. */
  PRECONDITION_FAILED: { readonly id: string };
  /** The database refused to begin or to commit. */
  TRANSACTION_FAILED: { readonly phase: "begin" | "commit" };
  /** Use of a `tx` after its end; statements that nobody awaited, or a write of which nobody knows whether it was done. */
  TRANSACTION_ROLLED_BACK: object;
  /** No such record to update or delete. */
  NOT_FOUND: { readonly id: string };
  /** A record of this id exists. */
  ALREADY_EXISTS: { readonly id: string };
  /** Another record has the value. */
  UNIQUE_VIOLATION: { readonly index: string };
  /** The database's schema refuses a field, or an increment does not fit. */
  FIELD_VIOLATION: { readonly field: string };
  /** The input is wrong, one issue a field. */
  VALIDATION_FAILED: { readonly issues: readonly Issue[] };
  /** Not "collection:key", or of another collection. */
  INVALID_RECORD_ID: { readonly expected: string };
  /** A filter, order, limit, cursor or query text that is none. */
  INVALID_QUERY: { readonly expected: string };
  /** The database does not know us. */
  AUTHENTICATION_FAILED: object;
  /** It knows us and refuses. */
  PERMISSION_DENIED: object;
  /** The server is outside of the range that can work. */
  UNSUPPORTED_VERSION: { readonly version: string; readonly range: string };
  /** This driver cannot do that. */
  UNSUPPORTED: { readonly feature: string };
  /** A write queue takes no more; nothing was stored. */
  QUEUE_FULL: object;
  /** A queued write may not survive a crash; sending it again under its operation id is safe. */
  DURABILITY_UNKNOWN: { readonly operationId: string };
  /** A write was sent and never answered; `wasApplied(operationId)` asks the ledger. */
  OUTCOME_UNKNOWN: { readonly operationId: string };
  /** Another process holds the file. */
  DATABASE_LOCKED: { readonly path: string };
  /** A local file could not be read or written; nothing was stored. */
  STORAGE_FAILED: { readonly path: string };
  /** A local file is not as it was written. */
  STORAGE_DAMAGED: { readonly path: string; readonly found: readonly string[] };
  /** More than is taken at once. */
  PAYLOAD_TOO_LARGE: { readonly limitBytes: number };
  /** `disconnect()` was called. */
  CLOSED: object;
  /** A driver or layer threw what is no `DatabaseError`; it is the `cause`. */
  INTERNAL: object;
}

/** Stable: programs may switch on it. */
export type ErrorCode = keyof ErrorFacts;

/** What happened to the data: `none` is a promise that nothing was changed. */
export type Effect = "none" | "unknown";

/** For each code: can trying the same again later help? */
const RETRYABLE: { readonly [C in ErrorCode]: boolean } = {
  CONNECTION_FAILED: true,
  NOT_CONNECTED: true,
  SERVICE_UNAVAILABLE: true,
  POOL_EXHAUSTED: true,
  QUERY_TIMEOUT: true,
  CANCELLED: false,
  CONFLICT: true,
  PRECONDITION_FAILED: false,
  TRANSACTION_FAILED: true,
  TRANSACTION_ROLLED_BACK: false,
  NOT_FOUND: false,
  ALREADY_EXISTS: false,
  UNIQUE_VIOLATION: false,
  FIELD_VIOLATION: false,
  VALIDATION_FAILED: false,
  INVALID_RECORD_ID: false,
  INVALID_QUERY: false,
  AUTHENTICATION_FAILED: false,
  PERMISSION_DENIED: false,
  UNSUPPORTED_VERSION: false,
  UNSUPPORTED: false,
  QUEUE_FULL: true,
  DURABILITY_UNKNOWN: true,
  OUTCOME_UNKNOWN: false,
  DATABASE_LOCKED: true,
  STORAGE_FAILED: true,
  STORAGE_DAMAGED: false,
  PAYLOAD_TOO_LARGE: false,
  CLOSED: false,
  INTERNAL: false,
};

/** Every code, for tables and tests. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(RETRYABLE) as ErrorCode[];

/** Two copies of this package may meet in one process, so errors are told by this mark and not by their class. */
const BRAND: unique symbol = Symbol.for("@db/error") as never;

/** What an error tells beside its code, message and facts. */
export interface ErrorDetails {
  /** Default: by the code. */
  readonly retryable?: boolean;
  /** Default `none`. `unknown` is for the driver to say, or for whoever stopped waiting for it. */
  readonly effect?: Effect;
  /** What it came from; the database's own text stands here and never in the message. Default none. */
  readonly cause?: unknown;
}

/**
 * The error of one code. Messages are safe to log: they never hold credentials, tokens or parameter values; the
 * database's own text, which may, is in `cause`.
 */
export class DatabaseErrorOf<C extends ErrorCode> extends Error {
  /** What went wrong, as a stable word. */
  readonly code: C;
  /** What belongs to the code; free of parameter values, as the message is. */
  readonly facts: ErrorFacts[C];
  /** Trying again later can help. Whether we may is another question: see `effect`. */
  readonly retryable: boolean;
  /** What happened to the data: only `none` may be repeated blindly. */
  readonly effect: Effect;

  constructor(code: C, message: string, facts: ErrorFacts[C], details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = "DatabaseError";
    this.code = code;
    this.facts = facts;
    this.retryable = details.retryable ?? RETRYABLE[code];
    this.effect = details.effect ?? "none";
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** A union over its codes: `switch (error.code)` types `error.facts`. */
export type DatabaseError = { [C in ErrorCode]: DatabaseErrorOf<C> }[ErrorCode];

/** Also true for an error of another copy of this package, which `instanceof` does not know. */
export function isDatabaseError(value: unknown): value is DatabaseError {
  if (typeof value !== "object" || value === null) return false;
  try {
    if (!(BRAND in value)) return false;
    const { code, message, facts, retryable, effect } = value as Partial<DatabaseError>;
    return [code, message, effect].every(isText) && typeof facts === "object" && typeof retryable === "boolean";
  } catch {
    // A revoked proxy throws at any question, and what asks is often the last that can still end a call.
    return false;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** The same error, telling another effect. */
export function withEffect(error: DatabaseError, effect: Effect): DatabaseError {
  if (error.effect === effect) return error;
  const { code, message, facts, retryable } = error;
  const cause = "cause" in error ? { cause: error.cause } : {};
  return new DatabaseErrorOf(code, message, facts, { retryable, effect, ...cause }) as DatabaseError;
}

/** The thrown value itself if it is one of ours, else INTERNAL with it as cause. */
export function toDatabaseError(thrown: unknown, effect: Effect): DatabaseError {
  if (isDatabaseError(thrown)) return thrown;
  const message = `unexpected failure (${nameOf(thrown)}) below the façade; see cause`;
  return new DatabaseErrorOf("INTERNAL", message, {}, { effect, cause: thrown });
}

/** Thrown values may be anything, also what throws again when looked at. */
export function nameOf(thrown: unknown): string {
  try {
    return thrown instanceof Error && typeof thrown.name === "string" ? thrown.name : typeof thrown;
  } catch {
    return typeof thrown;
  }
}

/** VALIDATION_FAILED with one issue. */
export function invalid(path: Issue["path"], rule: string, expected: string): DatabaseErrorOf<"VALIDATION_FAILED"> {
  const at = path.length === 0 ? "the value" : path.join(".");
  return new DatabaseErrorOf("VALIDATION_FAILED", `expected ${at} to be ${expected}`, {
    issues: [{ path, rule, expected }],
  });
}

const REUSED = "operation_reused";

/** What a ledger answers to an operation id that another write has used: told by the fingerprint. */
export function operationReused(): DatabaseErrorOf<"VALIDATION_FAILED"> {
  return invalid(["operationId"], REUSED, "one that no other write has used");
}

/** Whether an operation id was refused because another write has used it: what a caller who may send again has to tell apart. */
export function isOperationReused(thrown: unknown): boolean {
  return (
    isDatabaseError(thrown) &&
    thrown.code === "VALIDATION_FAILED" &&
    thrown.facts.issues.some(({ rule }) => rule === REUSED)
  );
}

export function invalidQuery(expected: string, got: unknown): DatabaseErrorOf<"INVALID_QUERY"> {
  const message = got === undefined ? `expected ${expected}` : `expected ${expected}, got ${describe(got)}`;
  return new DatabaseErrorOf("INVALID_QUERY", message, { expected });
}

/** UNSUPPORTED; `hint` is what to do instead. */
export function unsupported(feature: string, hint?: string): DatabaseErrorOf<"UNSUPPORTED"> {
  const message = hint === undefined ? `${feature} is not supported here` : `${feature} is not supported here: ${hint}`;
  return new DatabaseErrorOf("UNSUPPORTED", message, { feature });
}
