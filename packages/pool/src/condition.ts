import type { Settings } from "./options.ts";
import type { Outage } from "./outage.ts";
import type { StateMachine } from "./state.ts";
import type { Stock } from "./stock.ts";

/** What the events of connections make of the pool's state. */
export class Condition<T> {
  /** What the last attempt failed with, while none has succeeded since. */
  lastFailure: unknown;
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
    if (this.#machine.now.name === "failed" || !this.#stock.hasLife(now)) this.#fail(error, permanent, now);
  }

  /** A connection went. If none that lives is left while attempts fail, so has the pool. */
  connectionWent(now: number): void {
    if (this.#outage.since === undefined || this.#machine.now.name !== "connected") return;
    if (!this.#stock.hasLife(now)) this.#fail(this.lastFailure, false, now);
  }

  /** A connection was made, or answered. */
  alive(now: number): void {
    if (this.#machine.now.name !== "connected") this.#machine.set({ name: "connected", since: now });
  }

  #fail(error: unknown, permanent: boolean, now: number): void {
    const state = this.#machine.now;
    const since = state.name === "failed" ? state.since : now;
    const unavailableAt = since + this.#settings.unavailableAfterMs;
    const { nextAttemptAt } = this.#outage;
    this.#machine.set({ name: "failed", since, error, permanent, nextAttemptAt, unavailableAt });
  }
}
