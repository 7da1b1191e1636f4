import type { ConnectionState } from "./driver.ts";
import type { DatabaseError } from "./errors.ts";

/** How it is, in the words of a readiness probe. */
export type DatabaseHealth =
  /** Connecting for the first time. */
  | { readonly status: "starting" }
  | { readonly status: "healthy"; readonly responseTimeMs: number }
  /** Calls wait or may fail; it is expected to pass. */
  | { readonly status: "degraded"; readonly reason: string; readonly retryAfterMs: number }
  /** Calls fail at once. */
  | { readonly status: "unhealthy"; readonly reason: string; readonly retryAfterMs?: number };

/** How long until another try makes sense while the state gives no better hint. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

/** Until the next dial, at least 1 ms. */
export function retryAfterMs(state: ConnectionState): number {
  if (state.name !== "failed") return DEFAULT_RETRY_AFTER_MS;
  return Math.max(1, Math.ceil(state.nextAttemptAt - performance.now()));
}

/** Health as far as the state alone tells; undefined while connected, when only a round trip can say. */
export function healthOf(state: ConnectionState): DatabaseHealth | undefined {
  switch (state.name) {
    case "connecting":
      return { status: "starting" };
    case "disconnected":
      return { status: "unhealthy", reason: "connect() has not been called" };
    case "closed":
      return { status: "unhealthy", reason: "closed" };
    case "failed": {
      const hint = { reason: reasonOf(state.error), retryAfterMs: retryAfterMs(state) };
      return { status: performance.now() < state.unavailableAt ? "degraded" : "unhealthy", ...hint };
    }
    default:
      return undefined;
  }
}

export function reasonOf(error: DatabaseError): string {
  return `${error.code}: ${error.message}`;
}
