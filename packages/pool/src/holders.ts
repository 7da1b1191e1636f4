import { AsyncLocalStorage } from "node:async_hooks";

interface Holding {
  readonly lease: { readonly released: boolean };
  readonly owner: object;
  readonly outer: Holding | undefined;
}

const holdings = new AsyncLocalStorage<Holding>();

/**
 * Runs a function, and all that it starts, as the holder of a lease. Only a scope can be exact: marking the context of
 * whoever calls `acquire` would mark its siblings too.
 */
export function asHolder<R>(lease: { readonly released: boolean }, owner: object, fn: () => R): R {
  return holdings.run({ lease, owner, outer: holdings.getStore() }, fn);
}

/** How many leases of this owner the caller holds. */
export function countHeld(owner: object): number {
  let count = 0;
  for (let holding = holdings.getStore(); holding !== undefined; holding = holding.outer)
    if (holding.owner === owner && !holding.lease.released) count += 1;
  return count;
}
