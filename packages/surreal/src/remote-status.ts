import type { ConnectionState, DatabaseError } from "@db/core";
import type { PoolState } from "@db/pool";

/** The pool's state in the words of the contract. Before the first connection a failure is still part of connecting. */
export function stateOf(
  pool: PoolState,
  since: number,
  hasConnected: boolean,
  errorOf: (error: unknown) => DatabaseError,
): ConnectionState {
  switch (pool.name) {
    case "failed": {
      if (!hasConnected) return { name: "connecting", since };
      const { since: failedSince, nextAttemptAt, unavailableAt } = pool;
      return { name: "failed", since: failedSince, error: errorOf(pool.error), nextAttemptAt, unavailableAt };
    }
    case "connected":
      return { name: "connected", since: pool.since };
    case "closed":
      return { name: "closed" };
    default:
      return { name: "connecting", since };
  }
}
