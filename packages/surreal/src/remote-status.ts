import type { ConnectionState, DatabaseError } from "@db/core";
import type { PoolState } from "@db/pool";

/**
 * The pool's state in the words of the contract, from the first connection on.
 * @param since when it was begun
 */
export function stateOf(pool: PoolState, since: number, errorOf: (error: unknown) => DatabaseError): ConnectionState {
  switch (pool.name) {
    case "failed": {
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
