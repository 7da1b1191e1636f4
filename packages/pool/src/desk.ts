import { publishTimeout } from "./channels.ts";
import type { Deadlines } from "./deadlines.ts";
import type { PoolError } from "./errors.ts";
import type { Settings } from "./options.ts";
import type { Refusals } from "./refusals.ts";
import { Shedding } from "./shedding.ts";
import type { StateMachine } from "./state.ts";
import type { Counters } from "./stats.ts";
import type { Waiter, WaitLine } from "./wait-line.ts";

interface DeskOptions<T> {
  readonly line: WaitLine<T>;
  readonly waits: Deadlines;
  readonly settings: Settings<T>;
  readonly counters: Counters;
  readonly state: StateMachine;
  readonly refusals: Refusals<T>;
}

/** Where callers wait: whoever joins the line leaves it with a connection or with an error that says why not. */
export class Desk<T> {
  readonly #line: WaitLine<T>;
  readonly #waits: Deadlines;
  readonly #counters: Counters;
  readonly #state: StateMachine;
  readonly #refusals: Refusals<T>;
  readonly #name: string;
  readonly #shedding: Shedding | undefined;

  constructor({ line, waits, settings, counters, state, refusals }: DeskOptions<T>) {
    this.#line = line;
    this.#waits = waits;
    this.#counters = counters;
    this.#state = state;
    this.#refusals = refusals;
    this.#name = settings.name;
    this.#shedding = settings.shed === undefined ? undefined : new Shedding(settings.shed);
  }

  join(waiter: Waiter<T>, timeoutMs: number): void {
    const { queuedAt: now } = waiter;
    this.#shed(now);
    this.#line.add(waiter);
    this.#waits.add(waiter, now + timeoutMs, now);
    waiter.request.signal?.addEventListener("abort", waiter);
  }

  expired(waiter: Waiter<T>, now: number): void {
    this.#counters.timeouts += 1;
    const error = this.#refusals.timeout(waiter.request, now - waiter.queuedAt, now);
    this.#turnAway(waiter, error);
    // Last: whoever is told may give a connection back or close the pool, which must find this one gone from the line.
    publishTimeout({ pool: this.#name, error });
  }

  aborted(waiter: Waiter<T>): void {
    this.#counters.aborted += 1;
    this.#turnAway(waiter, waiter.request.signal?.reason);
  }

  /** Sends all away for whom there is an error. */
  turnAway(error: (waiter: Waiter<T>) => PoolError | undefined): void {
    for (let waiter = this.#line.first; waiter !== undefined; ) {
      const { behind } = waiter;
      const reason = error(waiter);
      if (reason !== undefined) this.#turnAway(waiter, reason);
      waiter = behind;
    }
  }

  /** Takes whoever is to be served next out of the line; undefined if all that were left had to be shed. */
  next(now: number): Waiter<T> | undefined {
    this.#shed(now);
    const waiter = this.#line.first;
    if (waiter === undefined) return undefined;
    this.#leave(waiter);
    const waitedMs = now - waiter.queuedAt;
    this.#counters.waited += 1;
    this.#counters.waitedMs += waitedMs;
    return waiter;
  }

  /** A connection came free and nobody wanted it. */
  rest(): void {
    this.#shedding?.rest();
  }

  /** The outage is over that all in line have waited through. */
  forget(): void {
    this.#shedding?.forget();
  }

  #shed(now: number): void {
    const shedding = this.#shedding;
    if (shedding === undefined || this.#state.failed) return;
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      const waitedMs = now - waiter.queuedAt;
      if (!shedding.refuses(waitedMs, now)) return;
      this.#counters.refused += 1;
      this.#counters.shed += 1;
      this.#turnAway(waiter, this.#refusals.shed(waiter.request, waitedMs, now));
    }
  }

  #turnAway(waiter: Waiter<T>, error: unknown): void {
    this.#leave(waiter);
    waiter.reject(error);
  }

  #leave(waiter: Waiter<T>): void {
    this.#line.remove(waiter);
    this.#waits.remove(waiter);
    waiter.request.signal?.removeEventListener("abort", waiter);
  }
}
