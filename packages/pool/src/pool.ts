import { Broker, NOBODY } from "./broker.ts";
import { acquires, publishLeak, TracedAcquire } from "./channels.ts";
import { type ConnectionView, viewOf } from "./connection-view.ts";
import type { Holder } from "./errors.ts";
import { holdersOf } from "./facts.ts";
import { countHeld } from "./holders.ts";
import type { Lease } from "./lease.ts";
import { Milestone } from "./milestone.ts";
import { MAX_TIMER_MS, type PoolOptions } from "./options.ts";
import { register } from "./registry.ts";
import { checkDuration, checkInteger, checkKeys, checkOneOf, expected, readSettings } from "./settings.ts";
import type { PoolState, StateListener } from "./state.ts";
import type { PoolStats } from "./stats.ts";
import { Waiter } from "./wait-line.ts";

/** What `acquire` and `use` take. */
export interface AcquireOptions {
  /** Ends the wait; the promise rejects with the signal's reason, as it is. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait at most. Default: `acquireTimeoutMs` of the pool. */
  readonly timeoutMs?: number | undefined;
  /** Who or what for. Shows in errors and leak reports. */
  readonly label?: string | undefined;
  /** `fail`: leave the line with POOL_UNAVAILABLE the moment the state turns `failed`. Default `wait`. */
  readonly whenAway?: "wait" | "fail" | undefined;
}

/** What `start` takes. */
export interface StartOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: `acquireTimeoutMs` of the pool. */
  readonly timeoutMs?: number | undefined;
}

/** What `close` and `drain` take. */
export interface CloseOptions {
  /** How long to wait for leases to come back: 0 or more. Default 10,000. */
  readonly deadlineMs?: number | undefined;
}

/** What `close` leaves behind. */
export interface CloseReport {
  /** The leases that were still out at the deadline, the oldest first. */
  readonly leaked: readonly Holder[];
}

const CLOSE_MS = 10_000;
const NO_OPTIONS: AcquireOptions = {};

/**
 * A pool of connections, or of anything else that is costly to make and used by one at a time. Every acquire ends in bounded
 * time, first come first served; what becomes of connections meanwhile is the pool's business.
 */
export class ConnectionPool<T> implements AsyncDisposable {
  /** For the registry of live components. */
  readonly kind = "pool";
  readonly name: string;
  readonly #broker: Broker<T>;
  readonly #unregister: () => void;
  #closing: Promise<CloseReport> | undefined;
  #draining: Promise<CloseReport> | undefined;

  /** @throws TypeError for an unknown option or a value outside its bounds */
  constructor(options: PoolOptions<T>) {
    const settings = readSettings(options);
    this.name = settings.name;
    this.#broker = new Broker(settings);
    this.#unregister = register(this);
  }

  get state(): PoolState {
    return this.#broker.state.now;
  }

  /** Returns the function that ends the subscription. Called at once with every transition, never with the present state. */
  onStateChange(listener: StateListener): () => void {
    if (typeof listener !== "function") throw expected("listener", "a function", listener);
    return this.#broker.state.subscribe(listener);
  }

  /**
   * Makes `min` connections, one at least, so that whoever waits for it knows that they can be made. Not needed: the first
   * acquire does as much for itself. After an error the pool goes on trying, as in any outage.
   *
   * @throws PoolError CREATE_FAILED at once for a permanent error, ACQUIRE_TIMEOUT, POOL_CLOSED; the signal's reason
   */
  async start(options: StartOptions = {}): Promise<void> {
    const { signal, timeoutMs = this.#broker.settings.acquireTimeoutMs } = options;
    checkKeys("start", options, ["signal", "timeoutMs"]);
    checkDuration("timeoutMs", timeoutMs);
    signal?.throwIfAborted();
    const broker = this.#broker;
    if (!broker.accepts) throw broker.refusals.closed();
    broker.used = true;
    broker.starting += 1;
    const milestone = this.#milestone({
      reached: () => broker.stock.size >= broker.floor,
      missed: (now) => {
        throw broker.refusals.timeout(NOBODY, timeoutMs, now);
      },
      failsEarly: true,
      withinMs: timeoutMs,
    });
    const stop = (): void => milestone.fail(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    const now = performance.now();
    broker.supply(now);
    milestone.check();
    // The prober is about to ask again; whoever starts need not wait to hear the same.
    if (broker.hopeless) milestone.fail(broker.refusals.createFailed(NOBODY, 0, now));
    try {
      await milestone.promise;
    } finally {
      broker.starting -= 1;
      signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * A connection: at once if one is idle, else the first that comes free or is made, in the order of arrival.
   *
   * @throws PoolError ACQUIRE_TIMEOUT, POOL_FULL, POOL_CLOSED, POOL_UNAVAILABLE, CREATE_FAILED; the signal's reason
   */
  acquire(options: AcquireOptions = NO_OPTIONS): Promise<Lease<T>> {
    if (!acquires.hasSubscribers) return this.#acquire(options);
    return acquires.tracePromise(() => this.#acquire(options), new TracedAcquire(this.name, options.label));
  }

  /** A connection that is idle and needs no check, or undefined; never waits, and passes nobody who does. */
  tryAcquire(label?: string): Lease<T> | undefined {
    return this.#broker.take(label);
  }

  /**
   * Runs a function with a connection and gives it back, whatever comes. If the function fails, `lease.release(error)` says
   * what becomes of the connection; the error comes back as it is.
   *
   * @throws what `acquire` and the function throw
   */
  async use<R>(fn: (value: T, lease: Lease<T>) => R | PromiseLike<R>, options?: AcquireOptions): Promise<R> {
    const lease = await this.acquire(options);
    let result: R;
    try {
      result = await lease.run(() => fn(lease.value, lease));
    } catch (error) {
      if (!lease.released) lease.release(error ?? new Error("the work failed without an error"));
      throw error;
    }
    if (!lease.released) lease.release();
    return result;
  }

  /**
   * Other limits from now on. What is too much goes when it comes back; what is missing is made.
   *
   * @throws TypeError for a value outside its bounds
   */
  resize(size: { readonly min?: number; readonly max?: number }): void {
    checkKeys("resize", size, ["min", "max"]);
    const broker = this.#broker;
    const { min = broker.min, max = broker.max } = size;
    checkInteger("max", max, 1, 100_000);
    checkInteger("min", min, 0, max);
    broker.min = min;
    broker.max = max;
    const now = performance.now();
    broker.stock.shrinkTo(max, now);
    broker.supply(now);
  }

  /** Hands out nothing and connects to nothing until `resume()`: for a restart of the database. Those who ask wait. */
  suspend(): void {
    this.#broker.suspended = true;
  }

  /** Ends `suspend()`, and any pause before the next attempt to connect. */
  resume(): void {
    this.#broker.suspended = false;
    this.#broker.dialer.outage.forget();
    this.#broker.supply(performance.now());
  }

  /** Closes every connection there is now: those that nobody uses at once, the others when they come back. For a failover. */
  evictAll(): void {
    const { stock, dialer } = this.#broker;
    dialer.outdate();
    stock.evictAll("evicted", performance.now());
  }

  /**
   * Takes no more callers, serves those in line, and resolves when nobody waits and every lease is back, or at the deadline.
   * Connections stay until `close()`.
   */
  drain(options: CloseOptions = {}): Promise<CloseReport> {
    const deadlineMs = readDeadline("drain", options);
    this.#draining ??= this.#leave(deadlineMs, () => this.#broker.line.size === 0 && this.#broker.stock.leased === 0);
    return this.#draining;
  }

  /**
   * Refuses all who wait, closes what is idle, and resolves when every lease is back and every connection is closed. At the
   * deadline what is still out is closed under its holder and reported. A connection that is being made is closed when it
   * is there. The second call gives the promise of the first.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    const deadlineMs = readDeadline("close", options);
    if (this.#closing === undefined) {
      // Noted first: a listener to states may call close() too.
      const { promise, resolve } = Promise.withResolvers<CloseReport>();
      this.#closing = promise;
      resolve(this.#close(deadlineMs));
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  stats(): PoolStats {
    const { settings, state, min, max, suspended, stock, dialer, line, counters } = this.#broker;
    return {
      name: settings.name,
      state: state.now.name,
      min,
      max,
      size: stock.size,
      idle: stock.idle.size,
      inUse: stock.leased,
      checking: stock.busy,
      creating: dialer.active,
      destroying: stock.destroying,
      waiting: line.size,
      suspended,
      ...counters,
      closed: { ...counters.closed },
    };
  }

  /** Every connection as it is now, the oldest first. Costs a look at each: for people and their pages. */
  connections(): readonly ConnectionView[] {
    const now = performance.now();
    return [...this.#broker.stock.slots].map((slot) => viewOf(slot, now)).sort((a, b) => b.ageMs - a.ageMs);
  }

  #acquire(options: AcquireOptions): Promise<Lease<T>> {
    const { signal, timeoutMs, label, whenAway } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    try {
      // A controller passed by mistake must be found before the caller stands in the line.
      if (signal !== undefined && !(signal instanceof EventTarget)) throw expected("signal", "an AbortSignal", signal);
      if (timeoutMs !== undefined) checkDuration("timeoutMs", timeoutMs);
      if (whenAway !== undefined) checkOneOf("whenAway", whenAway, ["wait", "fail"]);
    } catch (error) {
      return Promise.reject(error);
    }
    const lease = this.#broker.take(label);
    return lease === undefined ? this.#wait(options) : Promise.resolve(lease);
  }

  #wait({ signal, timeoutMs, label, whenAway }: AcquireOptions): Promise<Lease<T>> {
    const broker = this.#broker;
    const now = performance.now();
    const stack = broker.sampleStack();
    const request = { label, stack, signal, failsAway: whenAway === "fail", holding: countHeld(broker) };
    const refusal = broker.refusal(request, now);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise<Lease<T>>((resolve, reject) => {
      const waiter = new Waiter<T>(broker, request, now, resolve, reject);
      broker.join(waiter, timeoutMs ?? broker.settings.acquireTimeoutMs);
    });
  }

  async #leave(deadlineMs: number, reached: () => boolean): Promise<CloseReport> {
    const broker = this.#broker;
    broker.accepts = false;
    let leaked: readonly Holder[] = [];
    const milestone = this.#milestone({
      reached,
      missed: (now) => {
        leaked = holdersOf(broker.stock, now);
      },
      failsEarly: false,
      withinMs: deadlineMs,
    });
    milestone.check();
    if (deadlineMs === 0) milestone.expire(performance.now());
    await milestone.promise;
    return { leaked };
  }

  async #close(deadlineMs: number): Promise<CloseReport> {
    const { stock, milestones, refusals } = this.#broker;
    for (const milestone of milestones) if (milestone.failsEarly) milestone.fail(refusals.closed());
    this.#broker.shutDown(performance.now());
    this.#unregister();
    const report = await this.#leave(deadlineMs, () => stock.size === 0 && stock.destroying === 0);
    const now = performance.now();
    for (const slot of [...stock.slots]) stock.remove(slot, "leaked", now);
    for (const holder of report.leaked) publishLeak({ pool: this.name, ...holder });
    return report;
  }

  #milestone(options: {
    readonly reached: () => boolean;
    readonly missed: (now: number) => void;
    readonly failsEarly: boolean;
    readonly withinMs: number;
  }): Milestone {
    const broker = this.#broker;
    const milestone = new Milestone({
      ...options,
      over: (it) => {
        broker.milestones = broker.milestones.filter((other) => other !== it);
        broker.waits.remove(it);
      },
    });
    const now = performance.now();
    broker.milestones = [...broker.milestones, milestone];
    broker.waits.add(milestone, now + options.withinMs, now);
    return milestone;
  }
}

function readDeadline(subject: string, options: CloseOptions): number {
  checkKeys(subject, options, ["deadlineMs"]);
  const { deadlineMs = CLOSE_MS } = options;
  if (typeof deadlineMs === "number" && deadlineMs >= 0 && deadlineMs <= MAX_TIMER_MS) return deadlineMs;
  throw expected("deadlineMs", `a number of milliseconds in 0..${MAX_TIMER_MS}`, deadlineMs);
}
