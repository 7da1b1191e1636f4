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
  CONNECTION_FAILED: object;
  NOT_CONNECTED: object;
  SERVICE_UNAVAILABLE: { readonly retryAfterMs: number };
  POOL_EXHAUSTED: object;
  QUERY_TIMEOUT: { readonly timeoutMs: number };
  CANCELLED: object;
  CONFLICT: object;
  PRECONDITION_FAILED: { readonly id: string };
  TRANSACTION_FAILED: { readonly phase: "begin" | "commit" };
  TRANSACTION_ROLLED_BACK: object;
  NOT_FOUND: { readonly id: string };
  ALREADY_EXISTS: { readonly id: string };
  UNIQUE_VIOLATION: { readonly index: string };
  FIELD_VIOLATION: { readonly field: string };
  VALIDATION_FAILED: { readonly issues: readonly Issue[] };
  INVALID_RECORD_ID: { readonly expected: string };
  INVALID_QUERY: { readonly expected: string };
  AUTHENTICATION_FAILED: object;
  PERMISSION_DENIED: object;
  UNSUPPORTED_VERSION: { readonly version: string; readonly range: string };
  UNSUPPORTED: { readonly feature: string };
  QUEUE_FULL: object;
  DURABILITY_UNKNOWN: { readonly operationId: string };
  OUTCOME_UNKNOWN: { readonly operationId: string };
  DATABASE_LOCKED: { readonly path: string };
  STORAGE_FAILED: { readonly path: string };
  STORAGE_DAMAGED: { readonly path: string; readonly found: readonly string[] };
  PAYLOAD_TOO_LARGE: { readonly limitBytes: number };
  CLOSED: object;
  INTERNAL: object;
}

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

export interface ErrorDetails {
  /** Default: by the code. */
  readonly retryable?: boolean;
  /** Default `none`. `unknown` is for the driver to say, or for whoever stopped waiting for it. */
  readonly effect?: Effect;
  readonly cause?: unknown;
}

/**
 * The error of one code. Messages are safe to log: they never hold credentials, tokens or parameter values; the
 * database's own text, which may, is in `cause`.
 */
export class DatabaseErrorOf<C extends ErrorCode> extends Error {
  readonly code: C;
  readonly facts: ErrorFacts[C];
  /** Trying again later can help. Whether we may is another question: see `effect`. */
  readonly retryable: boolean;
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

export function isDatabaseError(value: unknown): value is DatabaseError {
  if (typeof value !== "object" || value === null) return false;
  try {
    return BRAND in value;
  } catch {
    // A revoked proxy throws at any question, and what asks is often the last that can still end a call.
    return false;
  }
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
function nameOf(thrown: unknown): string {
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

/** What a ledger answers to an operation id that another write has used: told by the fingerprint. */
export function operationReused(): DatabaseErrorOf<"VALIDATION_FAILED"> {
  return invalid(["operationId"], "operation_reused", "one that no other write has used");
}

export function invalidQuery(expected: string, got: unknown): DatabaseErrorOf<"INVALID_QUERY"> {
  const message = got === undefined ? `expected ${expected}` : `expected ${expected}, got ${describe(got)}`;
  return new DatabaseErrorOf("INVALID_QUERY", message, { expected });
}

export function unsupported(feature: string, hint?: string): DatabaseErrorOf<"UNSUPPORTED"> {
  const message = hint === undefined ? `${feature} is not supported here` : `${feature} is not supported here: ${hint}`;
  return new DatabaseErrorOf("UNSUPPORTED", message, { feature });
}
