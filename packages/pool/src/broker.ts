import { Arrivals } from "./arrivals.ts";
import { publishRelease, publishWait } from "./channels.ts";
import { Condition } from "./condition.ts";
import { Deadlines } from "./deadlines.ts";
import { Desk } from "./desk.ts";
import { Dialer } from "./dialer.ts";
import type { PoolError } from "./errors.ts";
import { Faults } from "./faults.ts";
import { Housekeeper } from "./housekeeper.ts";
import type { Lease } from "./lease.ts";
import type { Milestone } from "./milestone.ts";
import type { Settings } from "./options.ts";
import { Refusals } from "./refusals.ts";
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
  readonly #arrivals: Arrivals<T>;
  /** Of all that nobody waits for: these let the process exit. */
  readonly #chores: Deadlines = new Deadlines(false);
  readonly #condition: Condition<T>;
  readonly #desk: Desk<T>;
  readonly #housekeeper: Housekeeper<T>;
  readonly #stackRatio: number;
  /**
   * Read here rather than at each use, as elsewhere: the global is a getter, which on the shortest way costs a tenth of all.
   * Whoever replaces the clock does so before making a pool.
   */
  readonly #clock: Pick<typeof performance, "now"> = performance;
  readonly #resets: boolean;
  /** Whether to dial once to learn how things stand. */
  #curious = false;
  /** Closed for their age since what is missing was last dialled for. */
  #unreplaced = 0;
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
        arrived: (attempt, value) => this.#arrivals.arrived(attempt, value),
        arrivedLate: (attempt, value) => this.#arrivals.arrivedLate(attempt, value),
        failed: (attempt, error) => this.#arrivals.failed(attempt, error),
        lost: (slot, error) => this.stock.lost(slot, error),
        provenSince: (at) => this.stock.provenAt > at,
        mayDial: () => !this.suspended && !this.closed,
        due: (now) => this.supply(now),
      },
      settings,
      chores,
    );
    const { stock, dialer, state, line } = this;
    this.#condition = new Condition(state, stock, dialer.outage, settings);
    this.refusals = new Refusals({ settings, stock, dialer, line, state, condition: this.#condition, mode: this });
    this.#housekeeper = new Housekeeper({ stock, settings, counters, chores, mode: this });
    this.#desk = new Desk({ line, waits: this.waits, settings, counters, state, refusals: this.refusals });
    this.#arrivals = new Arrivals({
      stock,
      dialer,
      condition: this.#condition,
      desk: this.#desk,
      housekeeper: this.#housekeeper,
      faults: this.#faults,
      counters,
      mode: this,
    });
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
    if (this.hopeless) return this.refusals.createFailed(request, 0, now);
    const state = this.state.now;
    if (state.name === "failed" && !this.suspended && (request.failsAway || now >= state.unavailableAt))
      return this.refusals.unavailable(request, 0, now);
    if (this.line.size < this.settings.maxWaiting) return undefined;
    this.counters.refused += 1;
    return this.refusals.full(request, now);
  }

  /** Whether waiting cannot help: nothing lives, and the last attempt failed with a permanent error. */
  get hopeless(): boolean {
    const state = this.state.now;
    return state.name === "failed" && state.permanent && !this.suspended;
  }

  join(waiter: Waiter<T>, timeoutMs: number): void {
    this.used = true;
    this.#desk.join(waiter, timeoutMs);
    // With all in use there is nothing to be found or made for one more who waits.
    const { stock } = this;
    if (stock.idle.size > 0 || stock.size < this.max) this.supply(waiter.queuedAt);
  }

  expired(waiter: Waiter<T>, now: number): void {
    this.#desk.expired(waiter, now);
    this.progress();
  }

  aborted(waiter: Waiter<T>): void {
    this.#desk.aborted(waiter);
    this.progress();
  }

  // --- connections that come back

  giveBack(slot: Slot<T>, error: unknown): void {
    // `close()` took it away at its deadline.
    if (slot.state !== "leased") return;
    const now = this.#clock.now();
    publishRelease(this.settings.name, now - slot.takenAt);
    if (error !== undefined) this.#giveBackFailed(slot, error, now);
    else {
      if (this.state.failed && slot.doomed === undefined) this.proven(now);
      if (slot.flawed || this.#resets || now >= slot.expiresAt) this.stock.comeBack(slot, now);
      else if (this.line.size > 0 && !this.suspended) {
        slot.idleSince = now;
        this.#handOver(slot, now);
      } else {
        if (this.line.size === 0) this.#desk.rest();
        this.stock.shelve(slot, now);
      }
    }
    if (this.milestones.length > 0) this.progress();
  }

  discard(slot: Slot<T>, error: unknown): void {
    if (slot.state !== "leased") return;
    const now = performance.now();
    publishRelease(this.settings.name, now - slot.takenAt);
    if (error !== undefined && this.#faults.classify(error) === "broken")
      this.stock.bury(slot, "error", { error, isBack: true }, now);
    else this.stock.remove(slot, "error", now);
  }

  // --- what the stock tells

  offer(slot: Slot<T>, now: number): void {
    if (this.closed) this.stock.remove(slot, "closed", now);
    else if (this.stock.size > this.max) this.stock.remove(slot, "surplus", now);
    else if (this.line.size > 0 && !this.suspended) this.#handOver(slot, now);
    else {
      if (this.line.size === 0) this.#desk.rest();
      this.stock.restore(slot);
    }
    this.progress();
  }

  proven(now: number): void {
    this.#condition.alive(now);
  }

  died(slot: Slot<T>, error: unknown, now: number): void {
    this.#arrivals.died(slot, error, now);
  }

  mourned(now: number): void {
    if (this.stock.size === 0) this.#curious = true;
    this.supply(now);
  }

  changed(now: number): void {
    this.supply(now);
  }

  /** What works is not closed, for its age or for being idle, while nothing new can be made. */
  get keepsWhatWorks(): boolean {
    return this.dialer.outage.since !== undefined;
  }

  /** Nor does age close connections faster than they can be replaced. */
  mayRetire(): boolean {
    return !this.keepsWhatWorks && this.dialer.active + this.#unreplaced < this.settings.createConcurrency;
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
    this.progress();
  }

  #supplyOnce(now: number): void {
    if (this.suspended || this.closed) return;
    const { line, stock } = this;
    this.#judge(now);
    while (line.size > 0) {
      const slot = stock.next;
      if (slot === undefined) break;
      const need = now < slot.freshUntil ? "nothing" : stock.needOf(slot, now);
      if (need === "nothing") this.#handOver(slot, now);
      else if (need === "retirement") {
        stock.remove(slot, "max_lifetime", now);
        this.#unreplaced += 1;
      }
      // A check that takes its time does not keep the next connection from being looked at.
      else if (stock.busy - stock.stalled < line.size) stock.examine(slot, false);
      else break;
    }
    this.#dial(now);
  }

  #dial(now: number): void {
    this.#unreplaced = 0;
    const { line, stock, dialer } = this;
    const { outage } = dialer;
    const room = this.max - stock.size - dialer.active;
    // A limit that was lowered since: what failed then is missed by nobody.
    if (room <= 0 && dialer.active === 0 && !this.state.failed) outage.forget();
    let missing = line.size - stock.promising - dialer.promising;
    missing = Math.max(missing, this.floor - stock.size - dialer.active);
    // Somebody has to find out when an outage is over, even if nobody waits for it.
    if (this.accepts && (this.state.failed || outage.since !== undefined)) missing = Math.max(missing, 1);
    else if (this.#curious) missing = Math.max(missing, 1 - dialer.active);
    const count = Math.min(missing, room);
    if (count <= 0) return;
    this.#condition.dialing(now);
    dialer.dial(count, now);
  }

  /** A connection went, hangs or could not be made: is any of them alive? */
  #judge(now: number): void {
    const waits = !this.#condition.permanent && this.dialer.isOpen(now);
    if (!waits && this.#condition.hasFailed(now)) this.#dismiss(now);
  }

  /** The pool has failed, or goes on failing: those go who would not wait for the end of it. */
  #dismiss(now: number): void {
    if (!this.state.failed) return;
    const { hopeless, refusals } = this;
    this.#desk.turnAway(({ request, queuedAt }) => {
      if (hopeless) return refusals.createFailed(request, now - queuedAt, now);
      return request.failsAway ? refusals.unavailable(request, now - queuedAt, now) : undefined;
    });
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
    this.#desk.turnAway(() => this.refusals.closed());
    this.dialer.stop(error);
    this.#housekeeper.rest();
    for (const slot of [...this.stock.slots]) {
      if (slot.state === "leased") slot.doom("closed");
      else this.stock.remove(slot, "closed", now);
    }
    this.state.set({ name: "closed" });
  }

  answered(now: number): void {
    this.#curious = false;
    // Whether the state changes or is only told anew: at an attempt, those leave who would not wait for the next.
    this.#dismiss(now);
    this.supply(now);
  }

  despaired(now: number): void {
    for (const milestone of this.milestones)
      if (milestone.failsEarly) milestone.fail(this.refusals.createFailed(NOBODY, 0, now));
  }

  #giveBackFailed(slot: Slot<T>, error: unknown, now: number): void {
    const kind = this.#faults.classify(error);
    // Without a word from either hook nobody knows what is still open on it.
    const unknown = kind === undefined && this.settings.reset === undefined;
    if (kind === "broken") this.stock.bury(slot, "error", { error, isBack: true }, now);
    else if (unknown) this.stock.remove(slot, "error", now);
    else {
      slot.failedAt = now;
      this.stock.comeBack(slot, now);
    }
  }

  #handOver(slot: Slot<T>, now: number): void {
    const waiter = this.#desk.next(now);
    if (waiter === undefined) {
      if (slot.state === "leased") this.stock.shelve(slot, now);
      else if (slot.state === "busy") this.stock.restore(slot);
      return;
    }
    const { label, stack } = waiter.request;
    waiter.resolve(this.stock.lend(slot, label, stack, now));
    // Last: whoever is told may ask for a connection or evict all, which must find this one lent.
    publishWait(this.settings.name, now - waiter.queuedAt);
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
