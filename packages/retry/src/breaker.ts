import { isAbort, isRefusal } from "./errors.ts";
import { Faults, runHook } from "./hooks.ts";
import { checkDuration, checkFunction, checkInteger, checkKeys, checkLimit, checkNumber, expected } from "./options.ts";
import { SlidingWindow } from "./window.ts";

/** `closed`: calls pass; `open`: all are refused; `half-open`: some pass, to see. */
export type CircuitState = "closed" | "open" | "half-open";

/** What `onStateChange` is told. */
export interface CircuitChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
}

/** What `CircuitBreaker` takes. */
export interface CircuitBreakerOptions {
  /** What messages call it. Default `circuit`. */
  readonly name?: string;
  /** From which share of failures on it opens, above 0 and up to 1. Default 0.5. */
  readonly failureRatio?: number;
  /** From which duration on a call is slow, in milliseconds, or `Infinity`, the default, for never. */
  readonly slowMs?: number;
  /** From which share of slow calls on it opens, above 0 and up to 1. Default 0.8. */
  readonly slowRatio?: number;
  /** How many recent calls there must be before their ratio means anything, 1 or more. Default 20. */
  readonly minCalls?: number;
  /** What counts as recent, in milliseconds. Default 10,000. */
  readonly windowMs?: number;
  /** How long it refuses all calls before it lets probes through, and how long each may take, in milliseconds. Default 5,000. */
  readonly openMs?: number;
  /** How many calls must succeed, and not be slow, before it closes, 1 or more. Default 3. */
  readonly probes?: number;
  /**
   * Whether an error tells of the service. Default: all but those that say `retryable: false`, which tell of the caller,
   * and aborts. Others count as an answer, but for aborts (by the name `AbortError`): those count only as slow, if they were.
   */
  readonly isFailure?: (error: unknown) => boolean;
  /** Nothing that it does can break a call. */
  readonly onStateChange?: (change: CircuitChange) => unknown;
}

/** The call was refused at once, nothing was sent. A retry obeys the hint. */
export class CircuitOpenError extends Error {
  readonly retryable: boolean = true;
  /** Until the next probe may pass. */
  readonly retryAfterMs: number;

  constructor(name: string, retryAfterMs: number) {
    super(`${name} is open: the service has failed too often of late`);
    this.name = "CircuitOpenError";
    this.retryAfterMs = retryAfterMs;
  }
}

export const BREAKER_KEYS: readonly string[] = [
  "name",
  "failureRatio",
  "slowMs",
  "slowRatio",
  "minCalls",
  "windowMs",
  "openMs",
  "probes",
  "isFailure",
  "onStateChange",
];
const CALLS = 0;
const FAILURES = 1;
const SLOW = 2;

/**
 * Refuses calls to a service that mostly fails, or is mostly slow, so that neither side waits for nothing. Stands inside of
 * a retry: `retry(() => breaker.run(fn))`. Source of the ratios: resilience4j's CircuitBreaker.
 */
export class CircuitBreaker {
  readonly #options: Required<Omit<CircuitBreakerOptions, "isFailure" | "onStateChange">>;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #onStateChange: CircuitBreakerOptions["onStateChange"];
  readonly #window: SlidingWindow;
  readonly #faults: Faults;
  #state: CircuitState = "closed";
  /** Counts changes of state: what began before the last one tells of a time gone by. */
  #era = 0;
  /** While open: when probes may pass. While half-open: when probes without an answer count as failed. */
  #until = 0;
  #started = 0;
  #succeeded = 0;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: CircuitBreakerOptions = {}) {
    checkKeys("CircuitBreaker", options, BREAKER_KEYS);
    const { name = "circuit" } = options;
    if (typeof name !== "string") throw expected("name", "a string", name);
    this.#options = {
      name,
      failureRatio: checkNumber("failureRatio", options.failureRatio ?? 0.5, Number.MIN_VALUE, 1),
      slowMs: checkLimit("slowMs", options.slowMs ?? Number.POSITIVE_INFINITY),
      slowRatio: checkNumber("slowRatio", options.slowRatio ?? 0.8, Number.MIN_VALUE, 1),
      minCalls: checkInteger("minCalls", options.minCalls ?? 20),
      windowMs: checkDuration("windowMs", options.windowMs ?? 10_000),
      openMs: checkDuration("openMs", options.openMs ?? 5_000),
      probes: checkInteger("probes", options.probes ?? 3),
    };
    this.#isFailure =
      checkFunction("isFailure", options.isFailure) ?? ((error) => !isRefusal(error) && !isAbort(error));
    this.#onStateChange = checkFunction("onStateChange", options.onStateChange);
    this.#window = new SlidingWindow(this.#options.windowMs, 3);
    this.#faults = new Faults(name);
  }

  /** `open` until a call comes after its time: nothing but a call moves it on. */
  get state(): CircuitState {
    return this.#state;
  }

  /**
   * Runs `fn`, or refuses it; its result and its errors come back as they are.
   * @throws CircuitOpenError (as a rejection) while the service is given a rest
   */
  async run<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const startedAt = performance.now();
    const restMs = this.#admit(startedAt);
    if (restMs > 0) throw new CircuitOpenError(this.#options.name, restMs);
    const era = this.#era;
    try {
      const value = await fn();
      this.#settled(era, false, performance.now() - startedAt);
      return value;
    } catch (error) {
      const failed = this.#blames(error);
      const durationMs = performance.now() - startedAt;
      if (!failed && isAbort(error) && durationMs < this.#options.slowMs) this.#left(era);
      else this.#settled(era, failed, durationMs);
      throw error;
    }
  }

  /** How long the call has to stay away; 0 where it may pass. */
  #admit(now: number): number {
    if (this.#state === "closed") return 0;
    const due = now >= this.#until;
    if (this.#state === "open" && due) this.#become("half-open", now);
    // Probes that hang must not keep it half-open for ever. Those that nobody came to make do not hang.
    else if (this.#state === "half-open" && due && this.#started > this.#succeeded) this.#become("open", now);
    if (this.#state === "half-open" && this.#started < this.#options.probes) {
      this.#started += 1;
      this.#until = now + this.#options.openMs;
      return 0;
    }
    return Math.max(1, this.#until - now);
  }

  /** Whoever left did not hear what the service had to say: another call may find out in place of a probe. */
  #left(era: number): void {
    if (era === this.#era && this.#state === "half-open") this.#started -= 1;
  }

  #settled(era: number, failed: boolean, durationMs: number): void {
    if (era !== this.#era) return;
    const slow = durationMs >= this.#options.slowMs;
    if (this.#state === "half-open") {
      this.#succeeded += 1;
      if (failed || slow) this.#become("open", performance.now());
      else if (this.#succeeded >= this.#options.probes) this.#become("closed", 0);
      return;
    }
    const window = this.#window;
    window.advance();
    window.add(CALLS, 1);
    if (failed) window.add(FAILURES, 1);
    if (slow) window.add(SLOW, 1);
    const calls = window.total(CALLS);
    const { minCalls, failureRatio, slowRatio } = this.#options;
    const tripped = window.total(FAILURES) >= failureRatio * calls || window.total(SLOW) >= slowRatio * calls;
    if (calls >= minCalls && tripped) this.#become("open", performance.now());
  }

  #blames(error: unknown): boolean {
    try {
      return this.#isFailure(error);
    } catch {
      this.#faults.report("isFailure threw: the error counted as a failure");
      return true;
    }
  }

  #become(to: CircuitState, now: number): void {
    const from = this.#state;
    this.#state = to;
    this.#era += 1;
    this.#until = now + this.#options.openMs;
    this.#started = 0;
    this.#succeeded = 0;
    this.#window.clear();
    runHook("onStateChange", this.#onStateChange, { from, to }, this.#faults);
  }
}
