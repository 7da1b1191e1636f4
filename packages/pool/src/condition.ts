import type { Settings } from "./options.ts";
import { type Outage, RELAPSE_MS } from "./outage.ts";
import type { StateMachine } from "./state.ts";
import type { Stock } from "./stock.ts";

/** What the events of connections make of the pool's state. */
export class Condition<T> {
  /** What the last attempt failed with, while none has succeeded since. */
  lastFailure: unknown;
  /** Whether the last attempt failed for good. */
  permanent = false;
  #failedSince: number | undefined;
  #aliveAt = Number.NEGATIVE_INFINITY;
  readonly #machine: StateMachine;
  readonly #stock: Stock<T>;
  readonly #outage: Outage;
  readonly #settings: Settings<T>;

  constructor(machine: StateMachine, stock: Stock<T>, outage: Outage, settings: Settings<T>) {
    this.#machine = machine;
    this.#stock = stock;
    this.#outage = outage;
    this.#settings = settings;
  }

  dialing(now: number): void {
    if (this.#machine.now.name === "disconnected") this.#machine.set({ name: "connecting", since: now });
  }

  /** An attempt failed. With connections that live it is a matter of growth only; the pool has failed when none is left. */
  attemptFailed(error: unknown, permanent: boolean, now: number): void {
    this.lastFailure = error;
    this.permanent = permanent;
    if (this.#machine.failed) this.#fail(now);
  }

  /** Whether the pool has just failed: nothing can be made, and no connection that there is shows life when it is asked. */
  hasFailed(now: number): boolean {
    if (this.#outage.since === undefined || this.#machine.failed || this.#stock.hasLife(now)) return false;
    const { next } = this.#stock;
    if (next === undefined) {
      this.#fail(now);
      return true;
    }
    // It rested, so nobody knows; the answer leads back here.
    this.#stock.examine(next, false);
    return false;
  }

  /** A connection was made. */
  connected(now: number): void {
    this.lastFailure = undefined;
    this.alive(now);
  }

  /** A connection answered. */
  alive(now: number): void {
    if (this.#machine.now.name === "connected") return;
    this.#aliveAt = now;
    this.#machine.set({ name: "connected", since: now });
  }

  #fail(now: number): void {
    const state = this.#machine.now;
    // What lives for a moment only has not recovered.
    const isRelapse = state.name === "failed" || now - this.#aliveAt < RELAPSE_MS;
    const since = isRelapse ? (this.#failedSince ?? now) : now;
    this.#failedSince = since;
    const unavailableAt = since + this.#settings.unavailableAfterMs;
    const { nextAttemptAt } = this.#outage;
    const { lastFailure: error } = this;
    this.#machine.set({ name: "failed", since, error, permanent: this.permanent, nextAttemptAt, unavailableAt });
  }
}
