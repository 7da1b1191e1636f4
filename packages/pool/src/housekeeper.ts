import { publishLeak } from "./channels.ts";
import { Deadline, type Deadlines } from "./deadlines.ts";
import { holderOf } from "./facts.ts";
import type { Settings } from "./options.ts";
import type { Slot } from "./slot.ts";
import type { Counters } from "./stats.ts";
import type { Stock } from "./stock.ts";

/**
 * Between two sweeps at least: soon enough for whatever is measured in seconds. Also when to look again at a connection
 * that could not be closed for its age, since too many were being replaced.
 */
const PAUSE_MS = 100;
/** Round off how late a timer comes by itself. */
const STARVED_MS = 100;

interface HousekeeperOptions<T> {
  readonly stock: Stock<T>;
  readonly settings: Settings<T>;
  readonly counters: Counters;
  readonly chores: Deadlines;
  readonly mode: {
    /** Below which nothing is closed for being idle; changes with `resize()`. */
    readonly min: number;
    readonly suspended: boolean;
    /** Whether nothing is to be closed that works, since nothing new can be made. */
    readonly keepsWhatWorks: boolean;
    mayRetire(): boolean;
  };
}

/**
 * Closes what is idle or old, pings what rests, reports what is out for too long: one sweep over all connections, next time
 * when the first of them can be due. Between sweeps nobody keeps a list, so acquire and release pay nothing.
 */
export class Housekeeper<T> extends Deadline {
  readonly #options: HousekeeperOptions<T>;
  /** Nothing that begins after a sweep is due sooner than this. */
  readonly #soonestMs: number;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(options: HousekeeperOptions<T>) {
    super();
    this.#options = options;
    const { idleTimeoutMs, healthCheckIntervalMs, leakWarnMs, maxLifetimeMs, lifetimeJitter } = options.settings;
    this.#soonestMs = Math.min(
      idleTimeoutMs,
      healthCheckIntervalMs * 0.9,
      leakWarnMs,
      maxLifetimeMs * (1 - lifetimeJitter),
    );
  }

  /** Called when a connection was added: from then on there is something to look after. */
  wake(now: number): void {
    if (this.bucket === undefined) this.#plan(now + this.#soonestMs, now);
  }

  rest(): void {
    this.#options.chores.remove(this);
  }

  override expire(now: number): void {
    const { stock } = this.#options;
    const lateMs = now - this.#dueAt;
    let dueAt = now + this.#soonestMs;
    for (const slot of [...stock.slots]) {
      if (slot.state === "leased") dueAt = Math.min(dueAt, this.#watch(slot, now, lateMs));
      else if (slot.state === "idle") dueAt = Math.min(dueAt, this.#tend(slot, now));
    }
    this.#trim(now);
    const { idleTimeoutMs } = this.#options.settings;
    const oldest = stock.idle.oldest;
    if (oldest !== undefined && stock.size > this.#options.mode.min)
      dueAt = Math.min(dueAt, oldest.idleSince + idleTimeoutMs);
    if (stock.size > 0 && this.bucket === undefined) this.#plan(dueAt, now);
  }

  #plan(at: number, now: number): void {
    if (at === Number.POSITIVE_INFINITY) return;
    this.#dueAt = Math.max(at, now + PAUSE_MS);
    // A timer cannot hold more; it comes back then, finds nothing due and plans again.
    this.#options.chores.add(this, Math.min(this.#dueAt, now + 2_000_000_000), now);
  }

  /** When the lease is due to be reported. */
  #watch(slot: Slot<T>, now: number, lateMs: number): number {
    const { leakWarnMs, name } = this.#options.settings;
    if (slot.reportedAsLeak) return Number.POSITIVE_INFINITY;
    if (now - slot.takenAt < leakWarnMs) return slot.takenAt + leakWarnMs;
    // The event loop was blocked: the holder could not give back what it may be done with. It gets a turn.
    if (lateMs > STARVED_MS) return now + STARVED_MS;
    slot.reportedAsLeak = true;
    this.#options.counters.leaks += 1;
    const holder = holderOf(slot, now);
    publishLeak({ pool: name, ...holder });
    const who = holder.label === undefined ? "a lease without a label" : `the lease "${holder.label}"`;
    process.emitWarning(`${name}: ${who} is out for ${Math.round(holder.ageMs)} ms`, {
      type: "PoolLeakWarning",
      ...(holder.stack === undefined ? {} : { detail: holder.stack }),
    });
    return Number.POSITIVE_INFINITY;
  }

  /** When an idle one is due for its next ping, or for being closed for its age. */
  #tend(slot: Slot<T>, now: number): number {
    const { stock, settings, mode } = this.#options;
    if (now >= slot.expiresAt) {
      if (!mode.mayRetire()) return now + PAUSE_MS;
      stock.remove(slot, "max_lifetime", now);
      return Number.POSITIVE_INFINITY;
    }
    const pingAt = Math.max(slot.idleSince, slot.provenAt) + slot.keepaliveMs;
    if (settings.validate === undefined) return slot.expiresAt;
    if (now < pingAt) return Math.min(pingAt, slot.expiresAt);
    if (!mode.suspended) stock.examine(slot, false);
    return Math.min(now + slot.keepaliveMs, slot.expiresAt);
  }

  /** Closes what nobody used for long, the longest unused first, and never below `min`. */
  #trim(now: number): void {
    const { stock, settings, mode } = this.#options;
    if (mode.keepsWhatWorks) return;
    for (let slot = stock.idle.oldest; slot !== undefined; slot = stock.idle.oldest) {
      if (stock.size <= mode.min || now - slot.idleSince < settings.idleTimeoutMs) return;
      stock.remove(slot, "idle", now);
    }
  }
}
