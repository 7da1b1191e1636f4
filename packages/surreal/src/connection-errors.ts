import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  type ErrorCode,
  interrupted,
  isDatabaseError,
} from "@db/core";
import { type ErrorClass, isPoolError, type PoolError, type PoolState } from "@db/pool";
import { classify } from "./errors.ts";

/** What waiting and dialling again cannot cure. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set([
  "AUTHENTICATION_FAILED",
  "PERMISSION_DENIED",
  "UNSUPPORTED",
  "UNSUPPORTED_VERSION",
  "INVALID_QUERY",
  "VALIDATION_FAILED",
]);
/** Of Node's TLS: certificates that are not trusted, expired or another's. */
const UNTRUSTED = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_SSL_|EPROTO)/;

/** Why there is no connection. */
export function connectionError(thrown: unknown, server: string): DatabaseError {
  if (isDatabaseError(thrown)) return thrown;
  const known = classify(thrown, { effect: "none" });
  if (known.code !== "INTERNAL") return known;
  const { code } = (thrown ?? {}) as { readonly code?: unknown };
  const why = typeof code === "string" ? ` (${code})` : "";
  const message = `cannot connect to ${server}${why}; see cause`;
  const retryable = !(typeof code === "string" && UNTRUSTED.test(code));
  return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { retryable, cause: thrown });
}

/** For the pool. */
export function classOf(error: unknown): ErrorClass {
  if (!isDatabaseError(error)) return "transient";
  return PERMANENT.has(error.code) || (error.code === "CONNECTION_FAILED" && !error.retryable)
    ? "permanent"
    : "transient";
}

/** Why a call got no connection: nothing of it was sent. */
export function acquireError(thrown: unknown, context: CallContext, state: PoolState): DatabaseError {
  if (!isPoolError(thrown)) return waitError(thrown, context, state);
  switch (thrown.code) {
    case "ACQUIRE_TIMEOUT":
      return thrown.facts?.state === "failed" ? away(thrown) : exhausted(thrown);
    case "POOL_FULL":
      return exhausted(thrown);
    case "POOL_UNAVAILABLE":
      return state.name === "failed" && performance.now() < state.unavailableAt ? away(thrown) : unavailable(thrown);
    case "CREATE_FAILED":
      return isDatabaseError(thrown.cause) ? thrown.cause : classify(thrown.cause, { effect: "none" });
    case "POOL_CLOSED":
      return new DatabaseErrorOf("CLOSED", "the driver is closed", {}, { cause: thrown });
    default:
      return new DatabaseErrorOf("INTERNAL", "a connection was used after its end", {}, { cause: thrown });
  }
}

/** The call ended in the line. If it was an outage that it waited for, that is what its caller has to know. */
function waitError(thrown: unknown, context: CallContext, state: PoolState): DatabaseError {
  if (!context.aborted) return classify(thrown, { effect: "none" });
  const error = interrupted(context, "none");
  if (error.code !== "QUERY_TIMEOUT" || state.name !== "failed") return error;
  const { timeoutMs } = error.facts;
  const message = `the connection is down and did not come back within the ${timeoutMs} ms of the call; see cause`;
  return new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { cause: state.error });
}

function away(cause: PoolError): DatabaseError {
  return new DatabaseErrorOf("CONNECTION_FAILED", `the connection is down: ${cause.message}`, {}, { cause });
}

function exhausted(cause: PoolError): DatabaseError {
  return new DatabaseErrorOf("POOL_EXHAUSTED", `no connection came free: ${cause.message}`, {}, { cause });
}

function unavailable(cause: PoolError): DatabaseError {
  const facts = { retryAfterMs: cause.retryAfterMs ?? 1 };
  return new DatabaseErrorOf("SERVICE_UNAVAILABLE", `the database is away: ${cause.message}`, facts, { cause });
}
