import type { CallContext } from "./context.ts";
import type { Driver } from "./driver.ts";
import { type DatabaseError, DatabaseErrorOf, unsupported } from "./errors.ts";
import { retryAfterMs } from "./health.ts";
import { interrupted } from "./interrupt.ts";

/**
 * What stands between the layers and the driver: refuses what the call's signal and the connection's state already
 * answer, so that no driver has to. Returns undefined where the call may go on.
 */
export function refusal(driver: Driver, context: CallContext): DatabaseError | undefined {
  const { state } = driver;
  if (context.aborted) return interrupted(context, "none");
  if (context.scope !== undefined && !driver.capabilities.scopes) return unsupported(`a scope on ${driver.name}`);
  if (context.ledger && !driver.capabilities.idempotentWrites) return unsupported(`a ledger on ${driver.name}`);
  switch (state.name) {
    case "connected":
      return undefined;
    case "disconnected":
      return new DatabaseErrorOf("NOT_CONNECTED", "connect() has not been called", {});
    case "closed":
      return new DatabaseErrorOf("CLOSED", "the database service is closed", {});
    case "connecting":
      return new DatabaseErrorOf("SERVICE_UNAVAILABLE", "still connecting for the first time", {
        retryAfterMs: retryAfterMs(state),
      });
    default: {
      const { error } = state;
      if (performance.now() >= state.unavailableAt) {
        const message = `the database is away (${error.code})`;
        return new DatabaseErrorOf(
          "SERVICE_UNAVAILABLE",
          message,
          { retryAfterMs: retryAfterMs(state) },
          { cause: error },
        );
      }
      if (context.whenAway === "wait") return undefined;
      return new DatabaseErrorOf("CONNECTION_FAILED", `the connection is down (${error.code})`, {}, { cause: error });
    }
  }
}
