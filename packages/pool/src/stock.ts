import { type CloseReason, publishClosed, publishCreated } from "./channels.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Faults } from "./faults.ts";
import { callHook } from "./hook-call.ts";
import { IdleList } from "./idle-list.ts";
import { Lease } from "./lease.ts";
import type { Settings } from "./options.ts";
import { type LeaseOwner, Slot } from "./slot.ts";
import type { Counters } from "./stats.ts";

/** How long a sign of life counts as one. */
const ALIVE_MS = 1_000;

/** Who is told what becomes of connections. */
export interface StockKeeper<T> extends LeaseOwner<T> {
  /** This one is free: give it to somebody, or shelve it. */
  offer(slot: Slot<T>, now: number): void;
  /** A connection answered. */
  proven(now: number): void;
  /** A connection answered with an error that `classify` calls broken. */
  broken(now: number): void;
  /** A connection is out of the pool, or the `destroy` of one is over. */
  shrunk(now: number): void;
  /** Whether one that is over its age may go now, without all going at once. */
  mayRetire(): boolean;
}

/** The connections that there are, and what becomes of each: checked, shelved, lent, closed. */
export class Stock<T> {
  readonly slots: Set<Slot<T>> = new Set();
  readonly idle: IdleList<T> = new IdleList();
  /** Being validated or reset. */
  busy = 0;
  destroying = 0;
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

  /** Takes in what `create` made. The caller offers it. */
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

  /** The next idle one, in the order that was asked for. */
  get next(): Slot<T> | undefined {
    return this.#isLifo ? this.idle.newest : this.idle.oldest;
  }

  /** Lends one that is idle, is offered or comes straight from its last holder. */
  lend(slot: Slot<T>, label: string | undefined, stack: string | undefined, now: number): Lease<T> {
    if (slot.state === "idle") this.idle.remove(slot);
    else if (slot.state === "busy") this.busy -= 1;
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
    this.busy -= 1;
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

  /** Takes an idle one out for `validate`. */
  examine(slot: Slot<T>): void {
    this.idle.remove(slot);
    slot.state = "busy";
    this.busy += 1;
    this.#validate(slot);
  }

  /** After an error of one connection: all that are older prove themselves before their next use, the idle ones at once. */
  doubtAll(): void {
    // A check that fails at once comes back here; all that are to be doubted are being doubted then.
    if (this.#settings.validate === undefined || this.#doubting) return;
    this.#doubting = true;
    try {
      for (const slot of [...this.slots]) {
        if (slot.state === "idle") this.examine(slot);
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

  /** Closes the idle ones now and all others when they come back. */
  evictAll(reason: CloseReason, now: number): void {
    for (const slot of [...this.slots]) {
      if (slot.state === "idle") this.remove(slot, reason, now);
      else slot.doom(reason);
    }
  }

  /** A connection died by itself. */
  lost(slot: Slot<T>, error: unknown): void {
    if (slot.state === "gone") return;
    this.#faults.report("lost", error);
    const now = performance.now();
    if (slot.state === "idle") this.remove(slot, "error", now);
    else slot.doom("error");
    this.#keeper.broken(now);
  }

  /** Takes one out of the pool. Its place is free at once; `destroy` has its own time. */
  remove(slot: Slot<T>, reason: CloseReason, now: number): void {
    // The `destroy` of one connection may report the loss of another, which is then gone before its turn.
    if (slot.state === "gone") return;
    if (slot.state === "idle") this.idle.remove(slot);
    else if (slot.state === "busy") this.busy -= 1;
    slot.state = "gone";
    this.slots.delete(slot);
    this.dispose(slot.value, reason, now - slot.bornAt);
    this.#keeper.shrunk(now);
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
        this.#keeper.shrunk(performance.now());
      },
    });
  }

  /** Whether any connection showed life of late. Without `validate` every one counts that nobody complained of. */
  hasLife(now: number): boolean {
    const since = this.#settings.validate === undefined ? Number.NEGATIVE_INFINITY : now - ALIVE_MS;
    for (const slot of this.slots)
      if (slot.doomed === undefined && Math.max(slot.provenAt, slot.idleSince) >= since) return true;
    return false;
  }

  #inspect(slot: Slot<T>, now: number): void {
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
    callHook(hook, {
      name,
      timeoutMs,
      deadlines: this.#chores,
      done: (outcome) => this.#settle(slot, name, outcome),
    });
  }

  #settle(
    slot: Slot<T>,
    name: "validate" | "reset",
    outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown },
  ): void {
    if (slot.state === "gone") return;
    const now = performance.now();
    if (!outcome.ok) {
      this.#faults.report(name, outcome.error);
      this.remove(slot, name === "reset" ? "reset" : "validation", now);
      if (this.#faults.classify(outcome.error) === "broken") this.#keeper.broken(now);
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
