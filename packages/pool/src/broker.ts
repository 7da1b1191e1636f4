import { publishRelease, publishTimeout, publishWait } from "./channels.ts";
import { Condition } from "./condition.ts";
import { Deadlines } from "./deadlines.ts";
import { type Attempt, Dialer } from "./dialer.ts";
import type { PoolError } from "./errors.ts";
import { Faults } from "./faults.ts";
import { Housekeeper } from "./housekeeper.ts";
import type { Lease } from "./lease.ts";
import type { Milestone } from "./milestone.ts";
import type { Settings } from "./options.ts";
import { Refusals } from "./refusals.ts";
import { Shedding } from "./shedding.ts";
import type { Slot } from "./slot.ts";
import { StateMachine } from "./state.ts";
import { Counters } from "./stats.ts";
import { Stock, type StockKeeper } from "./stock.ts";
import { type Request, type Waiter, WaitLine } from "./wait-line.ts";

/**
 * Brings together those who wait and the connections there are, and asks for more where these do not suffice. All events
 * end here: a caller comes or leaves, a connection is made, comes back, fails or goes.
 */
export class Broker<T> implements StockKeeper<T> {
  readonly settings: Settings<T>;
  readonly counters: Counters = new Counters();
  readonly state: StateMachine;
  readonly line: WaitLine<T> = new WaitLine();
  /** Of those who wait: they keep the process alive. */
  readonly waits: Deadlines = new Deadlines(true);
  readonly stock: Stock<T>;
  readonly dialer: Dialer<T>;
  readonly refusals: Refusals<T>;
  milestones: readonly Milestone[] = [];
  min: number;
  max: number;
  suspended = false;
  /** Whether new callers are taken. */
  accepts = true;
  closed = false;
  /** Whether `min` is kept: from the first use on. */
  used = false;
  /** How many calls of `start()` wait: for them there is at least one connection. */
  starting = 0;
  readonly #faults: Faults;
  /** Of all that nobody waits for: these let the process exit. */
  readonly #chores: Deadlines = new Deadlines(false);
  readonly #condition: Condition<T>;
  readonly #housekeeper: Housekeeper<T>;
  readonly #shedding: Shedding | undefined;
  readonly #stackRatio: number;
  /**
   * Read here rather than at each use, as elsewhere: the global is a getter, which on the shortest way costs a tenth of all.
   * Whoever replaces the clock does so before making a pool.
   */
  readonly #clock: Pick<typeof performance, "now"> = performance;
  readonly #resets: boolean;
  /** Whether to dial once to learn how things stand. */
  #curious = false;
  #supplying = false;
  #supplyAgain = false;

  constructor(settings: Settings<T>) {
    this.settings = settings;
    this.min = settings.min;
    this.max = settings.max;
    this.#stackRatio = settings.leakStackRatio;
    this.#resets = settings.reset !== undefined;
    const { counters } = this;
    const chores = this.#chores;
    this.#faults = new Faults(settings, counters);
    this.state = new StateMachine(settings.name, (error) => this.#faults.report("listener", error));
    this.stock = new Stock(this, settings, chores, counters, this.#faults);
    this.dialer = new Dialer<T>(
      {
        arrived: (attempt, value) => this.#arrived(attempt, value),
        arrivedLate: (attempt, value) => this.#arrivedLate(attempt, value),
        failed: (attempt, error) => this.#attemptFailed(attempt, error),
        lost: (slot, error) => this.stock.lost(slot, error),
        due: (now) => this.supply(now),
      },
      settings,
      chores,
    );
    const { stock, dialer, state, line } = this;
    this.#condition = new Condition(state, stock, dialer.outage, settings);
    this.refusals = new Refusals({ settings, stock, dialer, line, state, condition: this.#condition, mode: this });
    this.#housekeeper = new Housekeeper({ stock, settings, counters, chores, mode: this });
    this.#shedding = settings.shed === undefined ? undefined : new Shedding(settings.shed);
  }

  // --- callers

  /** A connection that is at hand now, or undefined. Nobody who waits is passed. */
  take(label: string | undefined): Lease<T> | undefined {
    const slot = this.stock.next;
    if (slot === undefined || this.line.size > 0 || this.suspended || !this.accepts) return undefined;
    const now = this.#clock.now();
    return now < slot.freshUntil ? this.stock.lend(slot, label, this.sampleStack(), now) : undefined;
  }

  /** Where the caller is, for those leases of which it is to be known. */
  sampleStack(): string | undefined {
    const ratio = this.#stackRatio;
    return ratio > 0 && Math.random() < ratio ? new Error("acquired here").stack : undefined;
  }

  /** Why a caller may not join the line; undefined if it may. */
  refusal(request: Request, now: number): PoolError | undefined {
    if (!this.accepts) return this.refusals.closed();
    const state = this.state.now;
    if (state.name === "failed" && !this.suspended) {
      if (state.permanent) return this.refusals.createFailed(request, 0, now);
      if (request.failsAway || now >= state.unavailableAt) return this.refusals.unavailable(request, 0, now);
    }
    if (this.line.size < this.settings.maxWaiting) return undefined;
    this.counters.refused += 1;
    return this.refusals.full(request, now);
  }

  join(waiter: Waiter<T>, timeoutMs: number): void {
    const { queuedAt: now } = waiter;
    this.#shed(now);
    this.used = true;
    this.line.add(waiter);
    this.waits.add(waiter, now + timeoutMs, now);
    waiter.request.signal?.addEventListener("abort", waiter);
    this.supply(now);
  }

  expired(waiter: Waiter<T>, now: number): void {
    this.counters.timeouts += 1;
    const error = this.refusals.timeout(waiter.request, now - waiter.queuedAt, now);
    publishTimeout({ pool: this.settings.name, error });
    this.#turnAway(waiter, error);
    this.progress();
  }

  aborted(waiter: Waiter<T>): void {
    this.counters.aborted += 1;
    this.#turnAway(waiter, waiter.request.signal?.reason);
    this.progress();
  }

  turnAway(error: (waiter: Waiter<T>) => PoolError | undefined): void {
    for (let waiter = this.line.first; waiter !== undefined; ) {
      const { behind } = waiter;
      const reason = error(waiter);
      if (reason !== undefined) this.#turnAway(waiter, reason);
      waiter = behind;
    }
  }

  // --- connections that come back

  giveBack(slot: Slot<T>, error: unknown): void {
    // `close()` took it away at its deadline.
    if (slot.state !== "leased") return;
    const now = this.#clock.now();
    const { stock } = this;
    publishRelease(this.settings.name, now - slot.takenAt);
    if (error !== undefined) this.#giveBackFailed(slot, error, now);
    else if (slot.flawed || this.#resets || now >= slot.expiresAt) stock.comeBack(slot, now);
    else if (this.line.size > 0 && !this.suspended) {
      slot.idleSince = now;
      this.#handOver(slot, now);
    } else {
      this.#shedding?.rest();
      stock.shelve(slot, now);
    }
    if (this.milestones.length > 0) this.progress();
  }

  discard(slot: Slot<T>, error: unknown): void {
    if (slot.state !== "leased") return;
    const now = performance.now();
    publishRelease(this.settings.name, now - slot.takenAt);
    const broken = error !== undefined && this.#faults.classify(error) === "broken";
    this.stock.remove(slot, "error", now);
    if (broken) this.broken(now);
  }

  // --- what the stock tells

  offer(slot: Slot<T>, now: number): void {
    if (this.closed) this.stock.remove(slot, "closed", now);
    else if (this.stock.size > this.max) this.stock.remove(slot, "surplus", now);
    else if (this.line.size > 0 && !this.suspended) this.#handOver(slot, now);
    else this.stock.restore(slot);
    this.progress();
  }

  proven(now: number): void {
    if (this.state.now.name === "failed") this.#condition.alive(now);
  }

  broken(now: number): void {
    this.stock.doubtAll();
    if (this.stock.size > 0) return;
    this.#curious = true;
    this.supply(now);
  }

  shrunk(now: number): void {
    this.#condition.connectionWent(now);
    this.supply(now);
    this.progress();
  }

  /** What works is not closed for its age while nothing new can be made, nor faster than it can be replaced. */
  mayRetire(): boolean {
    return this.dialer.outage.since === undefined && this.dialer.active < this.settings.createConcurrency;
  }

  // --- supply and demand

  /**
   * Hands out what is there, and dials for what is missing. Hooks that answer at once lead back here: that is noted and
   * done in turn, for a call inside the other for each of a thousand dead connections would be too deep.
   */
  supply(now: number): void {
    this.#supplyAgain = true;
    if (this.#supplying) return;
    this.#supplying = true;
    try {
      while (this.#supplyAgain) {
        this.#supplyAgain = false;
        this.#supplyOnce(now);
      }
    } finally {
      this.#supplying = false;
    }
  }

  #supplyOnce(now: number): void {
    if (this.suspended || this.closed) return;
    const { line, stock, dialer } = this;
    while (line.size > 0) {
      const slot = stock.next;
      if (slot === undefined) break;
      const need = now < slot.freshUntil ? "nothing" : stock.needOf(slot, now);
      if (need === "nothing") this.#handOver(slot, now);
      else if (need === "retirement") stock.remove(slot, "max_lifetime", now);
      else if (stock.busy < line.size) stock.examine(slot);
      else break;
    }
    let missing = line.size - stock.busy - dialer.active;
    missing = Math.max(missing, this.floor - stock.size - dialer.active);
    if (this.state.now.name === "failed") missing = Math.max(missing, 1);
    else if (this.#curious) missing = Math.max(missing, 1 - dialer.active);
    const count = Math.min(missing, this.max - stock.size - dialer.active);
    if (count <= 0) return;
    this.#condition.dialing(now);
    dialer.dial(count, now);
  }

  /** How many connections there should be even if nobody asks. */
  get floor(): number {
    if (this.starting > 0) return Math.max(1, this.min);
    return this.used && this.accepts ? this.min : 0;
  }

  /** Something may have been reached. */
  progress(): void {
    for (const milestone of this.milestones) milestone.check();
  }

  /** The end: closes what nobody uses. Leases that are out have until the deadline of `close()`. */
  shutDown(now: number): void {
    const error = this.refusals.closed();
    this.accepts = false;
    this.closed = true;
    this.turnAway(() => this.refusals.closed());
    this.dialer.stop(error);
    this.#housekeeper.rest();
    for (const slot of [...this.stock.slots]) {
      if (slot.state === "leased") slot.doom("closed");
      else this.stock.remove(slot, "closed", now);
    }
    this.state.set({ name: "closed" });
  }

  #arrived(attempt: Attempt<T>, value: T): void {
    const now = performance.now();
    const durationMs = now - attempt.startedAt;
    const { stock, dialer } = this;
    if (attempt.outdated || stock.size >= this.max) {
      stock.dispose(value, attempt.outdated ? "evicted" : "surplus", 0);
    } else {
      const recovered = dialer.outage.since !== undefined;
      dialer.outage.succeeded();
      this.#curious = false;
      this.#condition.lastFailure = undefined;
      const slot = stock.add(value, durationMs, now);
      attempt.slot = slot;
      this.#condition.alive(now);
      if (recovered) this.#shedding?.forget();
      this.#housekeeper.wake(now);
      this.offer(slot, now);
    }
    this.supply(now);
  }

  /** Given up, but made all the same: a connection is a connection, if there is room and a use for it. */
  #arrivedLate(attempt: Attempt<T>, value: T): void {
    if (this.closed) this.stock.dispose(value, "closed", 0);
    else if (attempt.lost !== undefined) this.stock.dispose(value, "error", 0);
    else if (this.stock.size + this.dialer.active >= this.max) this.stock.dispose(value, "surplus", 0);
    else this.#arrived(attempt, value);
  }

  #attemptFailed(attempt: Attempt<T>, error: unknown): void {
    const now = performance.now();
    this.counters.createFailures += 1;
    this.#faults.report("create", error);
    this.#curious = false;
    const permanent = this.#faults.classify(error) === "permanent";
    const { outage } = this.dialer;
    const isNews = outage.since === undefined;
    outage.failed(attempt.startedAt, now, permanent);
    if (isNews) this.stock.doubtAll();
    this.#condition.attemptFailed(error, permanent, now);
    if (permanent) this.#failAll(now);
    else if (this.state.now.name === "failed")
      this.turnAway(({ request, queuedAt }) =>
        request.failsAway ? this.refusals.unavailable(request, now - queuedAt, now) : undefined,
      );
    this.supply(now);
    this.progress();
  }

  /** A permanent error: nobody is let wait for what will not come. */
  #failAll(now: number): void {
    this.turnAway(({ request, queuedAt }) => this.refusals.createFailed(request, now - queuedAt, now));
    if (this.starting === 0) return;
    for (const milestone of this.milestones)
      if (milestone.failsEarly) milestone.fail(this.refusals.createFailed(NOBODY, 0, now));
  }

  #giveBackFailed(slot: Slot<T>, error: unknown, now: number): void {
    const kind = this.#faults.classify(error);
    // Without a word from either hook nobody knows what is still open on it.
    const unknown = kind === undefined && this.settings.reset === undefined;
    if (kind !== "broken" && !unknown) this.stock.comeBack(slot, now);
    else {
      this.stock.remove(slot, "error", now);
      if (kind === "broken") this.broken(now);
    }
  }

  #handOver(slot: Slot<T>, now: number): void {
    this.#shed(now);
    const waiter = this.line.first;
    if (waiter === undefined) {
      // All were shed.
      if (slot.state === "leased") this.stock.shelve(slot, now);
      else if (slot.state === "busy") this.stock.restore(slot);
      return;
    }
    this.#leave(waiter);
    const waitedMs = now - waiter.queuedAt;
    this.counters.waited += 1;
    this.counters.waitedMs += waitedMs;
    publishWait(this.settings.name, waitedMs);
    const { label, stack } = waiter.request;
    waiter.resolve(this.stock.lend(slot, label, stack, now));
  }

  #shed(now: number): void {
    const shedding = this.#shedding;
    if (shedding === undefined || this.state.now.name === "failed") return;
    for (let waiter = this.line.first; waiter !== undefined; waiter = this.line.first) {
      const waitedMs = now - waiter.queuedAt;
      if (!shedding.refuses(waitedMs, now)) return;
      this.counters.refused += 1;
      this.counters.shed += 1;
      this.#turnAway(waiter, this.refusals.shed(waiter.request, waitedMs, now));
    }
  }

  #turnAway(waiter: Waiter<T>, error: unknown): void {
    this.#leave(waiter);
    waiter.reject(error);
  }

  #leave(waiter: Waiter<T>): void {
    this.line.remove(waiter);
    this.waits.remove(waiter);
    waiter.request.signal?.removeEventListener("abort", waiter);
  }
}

/** Whoever calls `start()` has no label and waits in no line. */
export const NOBODY: Request = {
  label: undefined,
  stack: undefined,
  signal: undefined,
  failsAway: false,
  holding: 0,
};
