import { type DatabaseError, type ErrorCode, type Issue, isDatabaseError } from "./errors.ts";

/** A problem document (RFC 9457) for an error, free of the database's own text. */
export interface Problem {
  /** A stable URN: `urn:db:error:not-found`. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** For people; may change. */
  readonly detail: string;
  readonly code: ErrorCode;
  /** For `Retry-After`: whole seconds, at least 1. Only where the status is 503. */
  readonly retryAfter?: number;
  /** What was wrong, one entry a field. Only where the input was. */
  readonly errors?: readonly ProblemField[];
}

/** What was wrong with one field. */
export interface ProblemField {
  /** A JSON pointer (RFC 6901) into the request's body. */
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
}

const STATUS: { readonly [C in ErrorCode]: readonly [status: number, title: string] } = {
  CONNECTION_FAILED: [503, "Database not reachable"],
  NOT_CONNECTED: [503, "Database not connected"],
  SERVICE_UNAVAILABLE: [503, "Database unavailable"],
  POOL_EXHAUSTED: [503, "Too busy"],
  QUERY_TIMEOUT: [504, "No answer in time"],
  CANCELLED: [499, "Cancelled"],
  CONFLICT: [409, "Conflict with another write"],
  PRECONDITION_FAILED: [412, "Changed meanwhile"],
  TRANSACTION_FAILED: [503, "Transaction failed"],
  TRANSACTION_ROLLED_BACK: [500, "Transaction ended"],
  NOT_FOUND: [404, "Not found"],
  ALREADY_EXISTS: [409, "Already exists"],
  UNIQUE_VIOLATION: [409, "Not unique"],
  FIELD_VIOLATION: [422, "Refused by the database's schema"],
  VALIDATION_FAILED: [400, "Invalid input"],
  INVALID_RECORD_ID: [400, "Invalid record id"],
  INVALID_QUERY: [400, "Invalid query"],
  AUTHENTICATION_FAILED: [500, "Internal error"],
  PERMISSION_DENIED: [403, "Not permitted"],
  UNSUPPORTED_VERSION: [500, "Internal error"],
  UNSUPPORTED: [501, "Not supported"],
  QUEUE_FULL: [503, "Too busy"],
  DURABILITY_UNKNOWN: [503, "Outcome unknown"],
  OUTCOME_UNKNOWN: [504, "Outcome unknown"],
  DATABASE_LOCKED: [503, "Database locked"],
  STORAGE_FAILED: [503, "Storage failed"],
  STORAGE_DAMAGED: [500, "Internal error"],
  PAYLOAD_TOO_LARGE: [413, "Too large"],
  CLOSED: [503, "Shutting down"],
  INTERNAL: [500, "Internal error"],
};

/** Their messages speak of the service's inside, which is none of a client's business. */
const PRIVATE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "INTERNAL",
  "AUTHENTICATION_FAILED",
  "UNSUPPORTED_VERSION",
  "TRANSACTION_ROLLED_BACK",
  "DATABASE_LOCKED",
  "STORAGE_FAILED",
  "STORAGE_DAMAGED",
]);

/** The mapping of errors to HTTP. What is not a `DatabaseError` becomes a bare 500. */
export function toProblem(error: unknown): Problem {
  // A later copy of this package may know codes that this one does not.
  const code = isDatabaseError(error) && Object.hasOwn(STATUS, error.code) ? error.code : "INTERNAL";
  const [status, title] = STATUS[code];
  const detail = isDatabaseError(error) && !PRIVATE.has(code) ? error.message : title;
  const type = `urn:db:error:${code.toLowerCase().replaceAll("_", "-")}`;
  const retryAfter = isDatabaseError(error) && status === 503 ? { retryAfter: retryAfterSeconds(error) } : {};
  const errors =
    isDatabaseError(error) && error.code === "VALIDATION_FAILED" ? { errors: error.facts.issues.map(toField) } : {};
  return { type, title, status, detail, code, ...retryAfter, ...errors };
}

function retryAfterSeconds(error: DatabaseError): number {
  const seconds = error.code === "SERVICE_UNAVAILABLE" ? Math.ceil(error.facts.retryAfterMs / 1_000) : 1;
  return Number.isSafeInteger(seconds) ? Math.max(1, seconds) : 1;
}

function toField({ path, rule, expected }: Issue): ProblemField {
  const pointer = path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { pointer, rule, detail: `expected ${expected}` };
}
