import type { ShedOptions } from "./shedding.ts";

/**
 * - `broken`: the connection is dead. It is closed, and all others of its age are validated before their next use.
 * - `permanent`: waiting and trying again cannot help, as with a wrong password. Of `create`, every waiter is told at once.
 * - `transient`: all else. The connection itself is sound.
 */
export type ErrorClass = "transient" | "permanent" | "broken";

/** What `create` gets. */
export interface CreateContext {
  /**
   * Fires after `createTimeoutMs`, at `close()`, and when an earlier attempt that was given up comes after all and takes the
   * place. A `create` that goes on all the same is not waited for; what it makes is used if there is room, else destroyed.
   * A listener of it must not throw: Node makes an uncaught exception of that, which no pool can catch.
   */
  readonly signal: AbortSignal;
  /**
   * To be called when the connection dies by itself, from its `close` or `error` event. It is taken out of the pool; may be
   * called at any time, more than once, and never throws.
   */
  readonly lost: (error?: unknown) => void;
}

/** What the pool knows about connections. Any hook may throw, reject or never settle: the pool goes on. */
export interface PoolHooks<T> {
  /** Makes a connection. Runs in a neutral async context, never in that of the caller who waits for it. */
  readonly create: (context: CreateContext) => T | PromiseLike<T>;
  /** Closes one. It counts no longer from the moment this is called, whatever comes of it. */
  readonly destroy: (value: T) => unknown;
  /** Whether an idle connection is alive: `false` or an error means no. Without it, what is idle is trusted. */
  readonly validate?: ((value: T) => unknown) | undefined;
  /** Cleans up after a lease, before the next. An error closes the connection. */
  readonly reset?: ((value: T) => unknown) | undefined;
  /** What an error means. Default: every error is `transient`. */
  readonly classify?: ((error: unknown) => ErrorClass) | undefined;
}

/**
 * Read once, at construction. Every duration is in milliseconds, more than 0 and at most 2,147,483,647 (what a timer can
 * hold); where `Infinity` is said to be allowed, it means never.
 */
export interface PoolOptions<T> extends PoolHooks<T> {
  // Essentials

  /**
   * The most connections at any moment, those being made included: 1..100,000. Default 10: databases do best with few
   * (a small multiple of their cores), and a queue in front costs less than a queue inside.
   */
  readonly max?: number;
  /**
   * How many to keep, used or not, from the first use on: 0..`max`. Default 0. Set it to what a quiet hour needs, so that the
   * next caller does not wait for a handshake.
   */
  readonly min?: number;
  /** How long `acquire` waits unless told otherwise. Default 10,000: longer than a failover blip, shorter than a user. */
  readonly acquireTimeoutMs?: number;
  /** Names the pool in errors, warnings and telemetry. Default "pool". */
  readonly name?: string;

  // Frequently used

  /** How long one `create` may take; the next attempt then begins. Default 5,000: below `acquireTimeoutMs`, so that a hung one can be repeated. */
  readonly createTimeoutMs?: number;
  /**
   * How long above `min` an unused connection is kept, also as long as nothing new can be made; `Infinity` allowed. Default
   * 300,000 (5 min): more than the pauses of ordinary traffic.
   */
  readonly idleTimeoutMs?: number;
  /**
   * How old a connection may get; `Infinity` allowed. Never cuts a lease short. Default 1,800,000 (30 min): below what
   * proxies and databases allow, often enough to follow a failover or changed credentials.
   */
  readonly maxLifetimeMs?: number;
  /** How long unused before it is validated on the way to a caller: 0 for always, `Infinity` for never. Default 1,000: a ping is not worth it between two calls. */
  readonly validateAfterIdleMs?: number;
  /** How long unused before it is validated in the background, also below `min`; `Infinity` allowed. Default 120,000 (2 min): below what firewalls forget. */
  readonly healthCheckIntervalMs?: number;
  /**
   * How long the pool may be `failed` before an acquire that would have to wait rejects at once; `Infinity` allowed. Default
   * 30,000. A failure within a second of a recovery goes on with the outage before it: what lives for a moment has not recovered.
   */
  readonly unavailableAfterMs?: number;
  /**
   * Age of a lease at which it is reported as a leak, once, and no longer taken for a sign that its connection lives;
   * `Infinity` allowed. Default 60,000: longer than honest work.
   */
  readonly leakWarnMs?: number;

  // Rarely used

  /** Callers that may wait at the same time; the next is refused with POOL_FULL. 1..10,000,000. Default 10,000: a longer line is one that nobody waits out. */
  readonly maxWaiting?: number;
  /** Refuse those who have waited longest while the pool is overloaded, instead of serving everybody too late. Default off. */
  readonly shed?: ShedOptions;
  /** Attempts to connect at the same time: 1..`max` in effect. Default 4: fast enough to fill, no stampede on a database that has just come up. */
  readonly createConcurrency?: number;
  /**
   * The longest pause between two attempts in an outage, which one prober at a time makes. Default 5,000. Less finds the end
   * of a long outage sooner: the pause is what the first caller waits after it, at worst. A permanent error is not looked
   * at again sooner than after half of 5,000.
   */
  readonly maxBackoffMs?: number;
  /** Which idle connection is next: the last used, or the one that rested longest. Default "lifo": the others can time out. "fifo" spreads over what a balancer put behind them. */
  readonly idleOrder?: "lifo" | "fifo";
  /** By how much at most a lifetime is cut short at random, as a fraction: 0..1. Default 0.1, so that connections born together do not die together. */
  readonly lifetimeJitter?: number;
  /** How long `validate` and `reset` may take. After 250 ms already nobody counts on it: others are checked or made beside it. Default 5,000. */
  readonly validateTimeoutMs?: number;
  /** How long `destroy` may take before nobody waits for it. Default 5,000. */
  readonly destroyTimeoutMs?: number;
  /** Of how many leases to note where they were acquired, as a fraction: 0..1. Default 0, since a stack costs ten times an acquire; 1 while you look for a leak. */
  readonly leakStackRatio?: number;
}

/** The options with their defaults, the hooks bound to the object that they came with. */
export type Settings<T> = PoolHooks<T> &
  Readonly<Required<Omit<PoolOptions<T>, keyof PoolHooks<T> | "shed">>> & { readonly shed: ShedOptions | undefined };

/** The longest delay that a timer can hold. */
export const MAX_TIMER_MS = 2_147_483_647;
