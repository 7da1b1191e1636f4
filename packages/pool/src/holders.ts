import { AsyncLocalStorage } from "node:async_hooks";

interface Holding {
  readonly lease: { readonly released: boolean };
  readonly owner: object;
  outer: Holding | undefined;
}

const holdings = new AsyncLocalStorage<Holding>();

/**
 * Runs a function, and all that it starts, as the holder of a lease. Only a scope can be exact: marking the context of
 * whoever calls `acquire` would mark its siblings too.
 */
export function asHolder<R>(lease: { readonly released: boolean }, owner: object, fn: () => R): R {
  return holdings.run({ lease, owner, outer: held() }, fn);
}

/** How many leases of this owner the caller holds. */
export function countHeld(owner: object): number {
  let count = 0;
  for (let holding = held(); holding !== undefined; holding = holding.outer) if (holding.owner === owner) count += 1;
  return count;
}

/**
 * What the caller holds, the innermost first. What has ended is taken out of the chain: work that begins its successor from
 * within, as a loop of timers does, would else drag all its predecessors along.
 */
function held(): Holding | undefined {
  const innermost = skipEnded(holdings.getStore());
  for (let holding = innermost; holding !== undefined; holding = holding.outer)
    holding.outer = skipEnded(holding.outer);
  return innermost;
}

function skipEnded(from: Holding | undefined): Holding | undefined {
  let holding = from;
  while (holding?.lease.released === true) holding = holding.outer;
  return holding;
}
