import { PoolError } from "./errors.ts";
import { asHolder } from "./holders.ts";
import type { Slot } from "./slot.ts";

/**
 * The right to use one connection until it is given back. Each acquire makes a new one, so an old lease can never release
 * what somebody else holds by now: its end is final, and every use after it throws LEASE_RELEASED.
 */
export class Lease<T> {
  #slot: Slot<T> | undefined;

  /** Leases are made by a pool. */
  constructor(slot: Slot<T>) {
    this.#slot = slot;
  }

  /** @throws PoolError LEASE_RELEASED */
  get value(): T {
    return this.#held().value;
  }

  /** Whether the lease has ended. */
  get released(): boolean {
    return this.#slot === undefined;
  }

  /** @throws PoolError LEASE_RELEASED */
  get ageMs(): number {
    return performance.now() - this.#held().takenAt;
  }

  /**
   * Gives the connection back to the pool.
   *
   * @param error what the work ended with, if with an error. If `classify` calls it broken, the connection is closed and
   *   all others of its age are validated. A connection whose state nobody vouches for, there being neither `classify` nor
   *   `reset`, is closed as well: there may be a transaction open on it.
   * @throws PoolError LEASE_RELEASED
   */
  release(error?: unknown): void {
    const slot = this.#end();
    slot.owner.giveBack(slot, error);
  }

  /**
   * Closes the connection instead of giving it back.
   *
   * @param error why; if `classify` calls it broken, all other connections of its age are validated
   * @throws PoolError LEASE_RELEASED
   */
  destroy(error?: unknown): void {
    const slot = this.#end();
    slot.owner.discard(slot, error);
  }

  /**
   * Runs a function as the holder of this lease: an acquire inside that has to wait says in its error that its caller
   * already holds a connection. `pool.use()` does so by itself.
   */
  run<R>(fn: () => R): R {
    return asHolder(this, this.#held().owner, fn);
  }

  /** Releases, unless that was done. `using` cannot tell whether the block threw; where that matters take `pool.use()`. */
  [Symbol.dispose](): void {
    if (this.#slot !== undefined) this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  #held(): Slot<T> {
    if (this.#slot === undefined) throw released();
    return this.#slot;
  }

  #end(): Slot<T> {
    const slot = this.#held();
    this.#slot = undefined;
    return slot;
  }
}

function released(): PoolError {
  return new PoolError("LEASE_RELEASED", "this lease has ended: its connection may be somebody else's by now");
}
