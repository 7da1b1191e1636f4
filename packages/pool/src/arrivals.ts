import type { Condition } from "./condition.ts";
import type { Desk } from "./desk.ts";
import type { Attempt, Dialer } from "./dialer.ts";
import type { Faults } from "./faults.ts";
import type { Housekeeper } from "./housekeeper.ts";
import type { Slot } from "./slot.ts";
import type { Counters } from "./stats.ts";
import type { Stock } from "./stock.ts";

/** A connection that dies so soon, unused, was as good as never made. */
const YOUNG_MS = 1_000;

interface ArrivalsOptions<T> {
  readonly stock: Stock<T>;
  readonly dialer: Dialer<T>;
  readonly condition: Condition<T>;
  readonly desk: Desk<T>;
  readonly housekeeper: Housekeeper<T>;
  readonly faults: Faults;
  readonly counters: Counters;
  readonly mode: {
    readonly max: number;
    readonly closed: boolean;
    /** An attempt has ended: what there is may be handed out, what is missing dialled for. */
    answered(now: number): void;
    /** An attempt has failed for good. */
    despaired(now: number): void;
  };
}

/** What becomes of attempts to connect: a connection in stock, or news of an outage. */
export class Arrivals<T> {
  readonly #options: ArrivalsOptions<T>;
  #diedYoungAt: number | undefined;

  constructor(options: ArrivalsOptions<T>) {
    this.#options = options;
  }

  arrived(attempt: Attempt<T>, value: T): void {
    const now = performance.now();
    const { stock, dialer, condition, desk, housekeeper, mode } = this.#options;
    if (dialer.isOutdated(attempt)) stock.dispose(value, "evicted", 0);
    else if (stock.size >= mode.max) stock.dispose(value, "surplus", 0);
    else {
      const recovered = dialer.outage.since !== undefined;
      dialer.outage.succeeded(now);
      const slot = stock.add(value, now - attempt.startedAt, now);
      attempt.slot = slot;
      condition.connected(now);
      if (recovered) desk.forget();
      housekeeper.wake(now);
      stock.admit(slot, attempt.lost, now);
    }
    mode.answered(now);
  }

  /** Given up, but made all the same: a connection is a connection, if there is room and a use for it. */
  arrivedLate(attempt: Attempt<T>, value: T): void {
    const { stock, dialer, mode } = this.#options;
    if (mode.closed) stock.dispose(value, "closed", 0);
    else if (attempt.lost !== undefined) stock.dispose(value, "error", 0);
    else {
      const isFull = stock.size + dialer.active >= mode.max;
      // It is there, which the attempt that took its place is not: if `create` is slow, always to begin anew would never end.
      if (isFull && stock.size < mode.max && !dialer.isOutdated(attempt)) dialer.giveUpYoungest();
      this.arrived(attempt, value);
    }
  }

  failed(attempt: Attempt<T>, error: unknown): void {
    const now = performance.now();
    const { stock, dialer, condition, faults, counters, mode } = this.#options;
    counters.createFailures += 1;
    faults.report("create", error);
    const permanent = faults.classify(error) === "permanent";
    const isNews = dialer.outage.since === undefined;
    dialer.outage.failed(attempt.startedAt, now, permanent);
    condition.attemptFailed(error, permanent, now);
    if (isNews) stock.doubtAll(attempt.startedAt, false);
    mode.answered(now);
    if (permanent) mode.despaired(now);
  }

  /** What accepts connections only to close them is away as much as what refuses them: two in a row are an outage. */
  died(slot: Slot<T>, error: unknown, now: number): void {
    if (slot.aliveAt > slot.bornAt || now - slot.bornAt >= YOUNG_MS) return;
    const { stock, dialer, condition } = this.#options;
    const lastAt = this.#diedYoungAt;
    this.#diedYoungAt = now;
    if (lastAt === undefined || lastAt < stock.provenAt) return;
    dialer.outage.failed(slot.bornAt, now, false);
    condition.attemptFailed(error, false, now);
  }
}
