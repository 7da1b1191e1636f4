import { type CloseReason, publishClosed, publishCreated } from "./channels.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Faults } from "./faults.ts";
import { callHook, type Outcome } from "./hook-call.ts";
import { IdleList } from "./idle-list.ts";
import { Lease } from "./lease.ts";
import type { Settings } from "./options.ts";
import { type LeaseOwner, Slot } from "./slot.ts";
import type { Counters } from "./stats.ts";

/** How long a sign of life counts as one. */
const ALIVE_MS = 1_000;
/** How long a check may take before other ways to a connection are tried beside it: longer than any ping that is well. */
const STALLED_MS = 250;

/** Who is told what becomes of connections. */
export interface StockKeeper<T> extends LeaseOwner<T> {
  /** This one is free: give it to somebody, or shelve it. */
  offer(slot: Slot<T>, now: number): void;
  /** A connection answered. */
  proven(now: number): void;
  /** A connection turned out dead and goes next: by an error that `classify` calls broken, or without an answer in time. */
  died(slot: Slot<T>, error: unknown, now: number): void;
  /** It has gone, and the others have been doubted. */
  mourned(now: number): void;
  /** A connection is out of the pool or lets a check wait, or the `destroy` of one is over. */
  changed(now: number): void;
  /** Whether one that is over its age may go now, without all going at once. */
  mayRetire(): boolean;
}

/** What is known of a connection that turned out dead. */
interface Death {
  readonly error: unknown;
  /** What showed life since is not doubted for it. Default: all are doubted. */
  readonly knownAt?: number;
  /** Whether no caller has it any more. */
  readonly isBack: boolean;
  /** Whether it is dead for not answering in time. */
  readonly hung?: boolean;
}

/** The connections that there are, and what becomes of each: checked, shelved, lent, closed. */
export class Stock<T> {
  readonly slots: Set<Slot<T>> = new Set();
  readonly idle: IdleList<T> = new IdleList();
  /** Being validated or reset. */
  busy = 0;
  /** Those of `busy` that take so long that nobody should count on them. */
  stalled = 0;
  destroying = 0;
  #brokenAt = Number.NEGATIVE_INFINITY;
  /** Of those that have gone. */
  #provenAt = Number.NEGATIVE_INFINITY;
  #doubting = false;
  readonly #keeper: StockKeeper<T>;
  readonly #settings: Settings<T>;
  readonly #chores: Deadlines;
  readonly #counters: Counters;
  readonly #faults: Faults;
  readonly #freshMs: number;
  readonly #isLifo: boolean;

  constructor(keeper: StockKeeper<T>, settings: Settings<T>, chores: Deadlines, counters: Counters, faults: Faults) {
    this.#keeper = keeper;
    this.#settings = settings;
    this.#chores = chores;
    this.#counters = counters;
    this.#faults = faults;
    this.#isLifo = settings.idleOrder === "lifo";
    this.#freshMs = settings.validate === undefined ? Number.POSITIVE_INFINITY : settings.validateAfterIdleMs;
  }

  get size(): number {
    return this.slots.size;
  }

  get leased(): number {
    return this.slots.size - this.idle.size - this.busy;
  }

  /** How many are about to come free: none as long as checks hang, since the next may hang as well. */
  get promising(): number {
    return this.stalled > 0 ? 0 : this.busy;
  }

  /** Takes in what `create` made, which is then to be admitted. */
  add(value: T, durationMs: number, now: number): Slot<T> {
    const { maxLifetimeMs, lifetimeJitter, healthCheckIntervalMs, name } = this.#settings;
    const lifetimeMs = maxLifetimeMs * (1 - lifetimeJitter * Math.random());
    const keepaliveMs = healthCheckIntervalMs * (1 - 0.1 * Math.random());
    const slot = new Slot(value, this.#keeper, now, now + lifetimeMs, keepaliveMs);
    this.slots.add(slot);
    this.busy += 1;
    this.#counters.created += 1;
    publishCreated({ pool: name, durationMs });
    return slot;
  }

  /** Offers a new one, unless it was lost or evicted by whoever was told of it first. */
  admit(slot: Slot<T>, lost: { readonly error: unknown } | undefined, now: number): void {
    if (lost === undefined) this.#inspect(slot, now);
    else this.lost(slot, lost.error);
  }

  /** The next idle one, in the order that was asked for. */
  get next(): Slot<T> | undefined {
    return this.#isLifo ? this.idle.newest : this.idle.oldest;
  }

  /** Lends one that is idle, is offered or comes straight from its last holder. */
  lend(slot: Slot<T>, label: string | undefined, stack: string | undefined, now: number): Lease<T> {
    if (slot.state === "idle") this.idle.remove(slot);
    else if (slot.state === "busy") this.#endCheck(slot);
    slot.state = "leased";
    slot.takenAt = now;
    slot.label = label;
    slot.reportedAsLeak = false;
    slot.stack = stack;
    this.#counters.acquired += 1;
    return new Lease(slot);
  }

  /** Puts one away whose last use is now. */
  shelve(slot: Slot<T>, now: number): void {
    slot.state = "idle";
    slot.idleSince = now;
    slot.freshUntil = Math.min(now + this.#freshMs, slot.expiresAt);
    this.idle.add(slot);
  }

  /** Puts one away that was made, checked or reset, in the order of last use: none of that is use. */
  restore(slot: Slot<T>): void {
    this.#endCheck(slot);
    slot.state = "idle";
    slot.freshUntil = Math.min(Math.max(slot.provenAt, slot.idleSince) + this.#freshMs, slot.expiresAt);
    this.idle.restore(slot);
  }

  /** What an idle one needs that is no longer fresh. */
  needOf(slot: Slot<T>, now: number): "nothing" | "validation" | "retirement" {
    if (now >= slot.expiresAt && this.#keeper.mayRetire()) return "retirement";
    const stale = now - Math.max(slot.idleSince, slot.provenAt) >= this.#freshMs;
    return stale ? "validation" : "nothing";
  }

  /** Back from a lease that ended well or with an error that left the connection sound. */
  comeBack(slot: Slot<T>, now: number): void {
    slot.state = "busy";
    this.busy += 1;
    slot.idleSince = now;
    const { reset } = this.#settings;
    if (reset === undefined || slot.doomed !== undefined) this.#inspect(slot, now);
    else this.#call(slot, "reset", () => reset(slot.value));
  }

  /** Takes an idle one out for `validate`. @param hung whether others hang, so that nobody should count on it */
  examine(slot: Slot<T>, hung: boolean): void {
    this.idle.remove(slot);
    slot.state = "busy";
    this.busy += 1;
    if (hung) this.#stall(slot);
    this.#validate(slot);
  }

  /** Closes one that turned out dead, which says something of all that showed no life since. */
  bury(slot: Slot<T>, reason: CloseReason, death: Death, now: number): void {
    this.#brokenAt = now;
    if (!slot.dead) this.#keeper.died(slot, death.error, now);
    slot.dead = true;
    if (slot.state === "leased" && !death.isBack) slot.doom(reason);
    else this.remove(slot, reason, now);
    this.doubtAll(death.knownAt ?? Number.POSITIVE_INFINITY, death.hung === true);
    this.#keeper.mourned(now);
  }

  /**
   * All that were last seen alive before a moment prove themselves before their next use, the idle ones at once.
   *
   * @param hung whether nobody should count on them meanwhile
   */
  doubtAll(before: number, hung: boolean): void {
    // A check that fails at once comes back here; all that are to be doubted are being doubted then.
    if (this.#settings.validate === undefined || this.#doubting) return;
    this.#doubting = true;
    try {
      for (const slot of [...this.slots]) {
        // Made since: to doubt it as well would, if checks never answer well, go on for ever.
        if (slot.aliveAt >= before) continue;
        if (slot.state === "idle") this.examine(slot, hung);
        else slot.doubt();
      }
    } finally {
      this.#doubting = false;
    }
  }

  /** Closes the idle ones that are too many, and looks again at all others when they come back. */
  shrinkTo(max: number, now: number): void {
    for (const slot of this.slots) slot.flawed = true;
    while (this.size > max && this.idle.oldest !== undefined) this.remove(this.idle.oldest, "surplus", now);
  }

  /** Closes those that nobody uses now and all others when they come back. */
  evictAll(reason: CloseReason, now: number): void {
    for (const slot of [...this.slots]) {
      if (slot.state === "leased") slot.doom(reason);
      else this.remove(slot, reason, now);
    }
  }

  /** A connection died by itself. */
  lost(slot: Slot<T>, error: unknown): void {
    if (slot.state === "gone" || slot.dead) return;
    this.#faults.report("lost", error);
    const now = performance.now();
    this.bury(slot, "error", { error, isBack: false }, now);
  }

  /** Takes one out of the pool. Its place is free at once; `destroy` has its own time. */
  remove(slot: Slot<T>, reason: CloseReason, now: number): void {
    // The `destroy` of one connection may report the loss of another, which is then gone before its turn.
    if (slot.state === "gone") return;
    if (slot.state === "idle") this.idle.remove(slot);
    else if (slot.state === "busy") this.#endCheck(slot);
    slot.state = "gone";
    this.slots.delete(slot);
    if (slot.aliveAt > slot.bornAt) this.#provenAt = Math.max(this.#provenAt, slot.aliveAt);
    this.dispose(slot.value, reason, now - slot.bornAt);
    this.#keeper.changed(now);
  }

  /** Closes a connection that has no slot, or none any more. */
  dispose(value: T, reason: CloseReason, lifetimeMs: number): void {
    const { destroy, destroyTimeoutMs: timeoutMs, name } = this.#settings;
    this.destroying += 1;
    this.#counters.closed[reason] += 1;
    publishClosed({ pool: name, reason, lifetimeMs });
    callHook(() => destroy(value), {
      name: "destroy",
      timeoutMs,
      deadlines: this.#chores,
      done: (outcome) => {
        this.destroying -= 1;
        if (!outcome.ok) this.#faults.report("destroy", outcome.error);
        this.#keeper.changed(performance.now());
      },
    });
  }

  /**
   * Whether any connection lives, as far as can be told: it answered or came back sound of late, it is being checked, or
   * it is out, for no longer than honest work takes, and nothing says that it is dead. Without `validate` what is idle is
   * trusted.
   */
  hasLife(now: number): boolean {
    const trusts = this.#settings.validate === undefined;
    for (const slot of this.slots) {
      if (slot.doomed !== undefined) continue;
      if (slot.aliveAt >= now - ALIVE_MS) return true;
      if (slot.state === "idle" && trusts) return true;
      if (slot.state === "busy" && !slot.stalled) return true;
      if (slot.state !== "leased" || now - slot.takenAt >= this.#settings.leakWarnMs) continue;
      if (trusts || slot.aliveAt > this.#brokenAt) return true;
    }
    return false;
  }

  /** When a connection last did more than to be made: it answered, or came back sound. */
  get provenAt(): number {
    let provenAt = this.#provenAt;
    for (const slot of this.slots) if (slot.aliveAt > slot.bornAt) provenAt = Math.max(provenAt, slot.aliveAt);
    return provenAt;
  }

  #stall(slot: Slot<T>): void {
    if (slot.stalled) return;
    slot.stalled = true;
    this.stalled += 1;
  }

  #endCheck(slot: Slot<T>): void {
    this.busy -= 1;
    if (!slot.stalled) return;
    slot.stalled = false;
    this.stalled -= 1;
  }

  #inspect(slot: Slot<T>, now: number): void {
    // Whoever is told that it lives may evict it.
    if (slot.state === "gone") return;
    if (slot.doomed !== undefined) this.remove(slot, slot.doomed, now);
    else if (now >= slot.expiresAt && this.#keeper.mayRetire()) this.remove(slot, "max_lifetime", now);
    else if (slot.suspect) this.#validate(slot);
    else {
      slot.flawed = false;
      this.#keeper.offer(slot, now);
    }
  }

  #validate(slot: Slot<T>): void {
    const { validate } = this.#settings;
    if (validate === undefined) this.#settle(slot, "validate", { ok: true, value: undefined });
    else this.#call(slot, "validate", () => validate(slot.value));
  }

  #call(slot: Slot<T>, name: "validate" | "reset", hook: () => unknown): void {
    const { validateTimeoutMs: timeoutMs } = this.#settings;
    slot.checkedAt = performance.now();
    callHook(hook, {
      name,
      timeoutMs,
      deadlines: this.#chores,
      slow: {
        afterMs: STALLED_MS,
        told: (now) => {
          if (slot.state === "gone") return;
          this.#stall(slot);
          this.#keeper.changed(now);
        },
      },
      done: (outcome) => this.#settle(slot, name, outcome),
    });
  }

  #settle(slot: Slot<T>, name: "validate" | "reset", outcome: Outcome): void {
    if (slot.state === "gone") return;
    const now = performance.now();
    if (!outcome.ok) {
      const hung = outcome.timedOut === true;
      this.#faults.report(name, outcome.error);
      const reason = name === "reset" ? "reset" : "validation";
      const { error } = outcome;
      if (hung || this.#faults.classify(error) === "broken")
        this.bury(slot, reason, { error, knownAt: slot.checkedAt, hung, isBack: true }, now);
      else this.remove(slot, reason, now);
      return;
    }
    if (name === "validate") {
      if (outcome.value === false) {
        this.remove(slot, "validation", now);
        return;
      }
      slot.suspect = false;
      slot.provenAt = now;
      this.#keeper.proven(now);
    }
    this.#inspect(slot, now);
  }
}
