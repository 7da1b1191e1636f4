import { BACKOFF_KEYS, type BackoffOptions, type Delay, exponentialDelay } from "./backoff.ts";
import { type Budget, RetryBudget, type RetryCharge } from "./budget.ts";
import { publish } from "./channels.ts";
import { type GiveUpReason, hintOf, isRetryable, keepReport } from "./errors.ts";
import { Faults, type OnGiveUpEvent, type OnRetryEvent, runHook } from "./hooks.ts";
import { draw } from "./jitter.ts";
import { checkFunction, checkKeys, checkLimit, expected, MAX_TIMER_MS } from "./options.ts";

/** `true` and `false` say whether to try again; `{ delayMs }` to try again after exactly that. */
export type RetryVerdict = boolean | { readonly delayMs: number };

/** What `createRetry` takes. */
export interface RetryOptions {
  /** What telemetry and warnings call this policy. Default `retry`. */
  readonly name?: string;
  /** How many attempts at most, the first included: an integer of 1 or more, or `Infinity`. Default 4. */
  readonly maxAttempts?: number;
  /**
   * How long all attempts and the waits between them may take, in milliseconds, 1..2147483647 or `Infinity`. An attempt
   * that hangs is cut off there; a wait that would end after it is not begun, and the real error comes back at once.
   * Default `Infinity`: how long your function may rightly take only you know. See `operation` and `startup`.
   */
  readonly maxElapsedMs?: number;
  /**
   * How long one attempt may take, in milliseconds, 1..2147483647 or `Infinity`, the default. Its signal fires, and it
   * fails with `RetryTimeoutError` whether it listens or not.
   */
  readonly attemptTimeoutMs?: number;
  /**
   * How long to wait after each failure; what is left out is `baseMs: 50`, `factor: 2`, `capMs: 2_000`, `jitter: "full"`:
   * most failures pass quickly, and full jitter spreads best. Or a function of your own.
   */
  readonly backoff?: BackoffOptions | Delay;
  /**
   * Whether to try again after this error, of attempt 1, 2, … Default: where the error itself says `retryable: true`. It is
   * never asked once the caller's signal has fired.
   */
  readonly shouldRetry?: (error: unknown, attempt: number) => RetryVerdict;
  /**
   * What bounds retries over all calls. Default: a `RetryBudget` of this policy's own; calls of `retry()` without a policy
   * share one. Give one object to several policies to share it; `false` for none.
   */
  readonly budget?: Budget | false;
  /** Gives numbers in 0..1 for the jitter. Default `Math.random`, looked up at each call. */
  readonly random?: () => number;
  /** Called before each wait. Nothing that it does can break the call. */
  readonly onRetry?: (event: OnRetryEvent) => unknown;
  /** Called when a call fails, with the number of attempts and why there is no other. It cannot break the call either. */
  readonly onGiveUp?: (event: OnGiveUpEvent) => unknown;
}

export const POLICY_KEYS: readonly string[] = [
  "name",
  "maxAttempts",
  "maxElapsedMs",
  "attemptTimeoutMs",
  "backoff",
  "shouldRetry",
  "budget",
  "random",
  "onRetry",
  "onGiveUp",
];

/** An attempt to come. */
interface Plan {
  readonly delayMs: number;
  /** What the back-off itself said: the next delay of decorrelated jitter starts from here. */
  readonly ownMs: number;
  readonly charge: RetryCharge | undefined;
}

const DEFAULT_BACKOFF = { baseMs: 50, factor: 2, capMs: 2_000, jitter: "full" } as const;
/** How far a hint is spread at most: those who were told the same time would come back together. */
const MAX_HINT_SPREAD_MS = 1_000;

/** The options of one policy, checked, and what they decide. */
export class Policy {
  readonly name: string;
  readonly maxElapsedMs: number;
  readonly attemptTimeoutMs: number;
  readonly budget: Budget | undefined;
  /** Whether anything wants to know how long a call took. */
  readonly timed: boolean;
  readonly #maxAttempts: number;
  readonly #delay: Delay;
  readonly #standard: Delay;
  readonly #jitters: boolean;
  readonly #shouldRetry: (error: unknown, attempt: number) => RetryVerdict;
  readonly #random: () => number;
  readonly #onRetry: RetryOptions["onRetry"];
  readonly #onGiveUp: RetryOptions["onGiveUp"];
  readonly #faults: Faults;

  /** @throws TypeError for an option that is wrong; the caller has checked that none is unknown */
  constructor(options: RetryOptions) {
    const { name = "retry", maxAttempts = 4, backoff = {}, budget } = options;
    if (typeof name !== "string" || name === "") throw expected("name", "a string that is not empty", name);
    if (maxAttempts !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxAttempts) && maxAttempts >= 1)) {
      throw expected("maxAttempts", "an integer of 1 or more or Infinity", maxAttempts);
    }
    if (budget !== undefined && budget !== false && typeof (budget as Partial<Budget> | null)?.charge !== "function") {
      throw expected("budget", "a RetryBudget or false", budget);
    }
    this.name = name;
    this.#maxAttempts = maxAttempts;
    this.maxElapsedMs = checkLimit("maxElapsedMs", options.maxElapsedMs ?? Number.POSITIVE_INFINITY);
    this.attemptTimeoutMs = checkLimit("attemptTimeoutMs", options.attemptTimeoutMs ?? Number.POSITIVE_INFINITY);
    this.#standard = exponentialDelay(DEFAULT_BACKOFF);
    if (typeof backoff === "function") this.#delay = backoff;
    else {
      checkKeys("backoff", backoff, BACKOFF_KEYS);
      // What a conditional leaves undefined is left out.
      const given = Object.entries(backoff).filter(([, value]) => value !== undefined);
      this.#delay = exponentialDelay({ ...DEFAULT_BACKOFF, ...Object.fromEntries(given) });
    }
    this.#jitters = typeof backoff === "object" && backoff.jitter !== "none";
    this.#shouldRetry = checkFunction("shouldRetry", options.shouldRetry) ?? isRetryable;
    this.#random = this.#randomFrom(checkFunction("random", options.random));
    this.#onRetry = checkFunction("onRetry", options.onRetry);
    this.#onGiveUp = checkFunction("onGiveUp", options.onGiveUp);
    this.timed = this.#onRetry !== undefined || this.#onGiveUp !== undefined;
    this.budget = budget === false ? undefined : (budget ?? new RetryBudget());
    this.#faults = new Faults(name);
  }

  /** What follows attempt number `attempt`, which failed: another one, charged for, or the reason why there is none. */
  plan(error: unknown, attempt: number, previousMs: number, remainingMs: number): Plan | GiveUpReason {
    const verdict = this.#verdict(error, attempt);
    if (verdict === false) return "not-retryable";
    if (attempt >= this.#maxAttempts) return "max-attempts";
    const ownMs = this.#ownDelay(attempt, previousMs);
    const delayMs =
      typeof verdict === "object" ? this.#told(verdict.delayMs, ownMs) : this.#hinted(hintOf(error), ownMs);
    if (delayMs >= remainingMs) return "max-elapsed";
    if (this.budget === undefined) return { delayMs, ownMs, charge: undefined };
    const charge = this.budget.charge();
    return charge === undefined ? "budget-exhausted" : { delayMs, ownMs, charge };
  }

  retrying(event: OnRetryEvent, operation: string | undefined): void {
    publish(this.name, operation, event.attempt, event.delayMs, event.error, "retry");
    runHook("onRetry", this.#onRetry, event, this.#faults);
  }

  givingUp(event: OnGiveUpEvent, operation: string | undefined): void {
    const { error, attempts, reason } = event;
    keepReport(error, { attempts, reason });
    publish(this.name, operation, attempts, 0, error, reason);
    runHook("onGiveUp", this.#onGiveUp, event, this.#faults);
  }

  /** @param error of the attempt before */
  succeeded(attempt: number, error: unknown, operation: string | undefined): void {
    publish(this.name, operation, attempt, 0, error, "success");
  }

  #verdict(error: unknown, attempt: number): RetryVerdict {
    let verdict: unknown;
    try {
      verdict = this.#shouldRetry(error, attempt);
    } catch {
      this.#faults.report("shouldRetry threw: the error was not retried");
      return false;
    }
    if (typeof verdict === "boolean") return verdict;
    if (typeof verdict === "object" && verdict !== null && "delayMs" in verdict) return verdict as RetryVerdict;
    this.#faults.report("shouldRetry gave neither a boolean nor { delayMs }: the error was not retried");
    return false;
  }

  #ownDelay(attempt: number, previousMs: number): number {
    let ownMs: unknown;
    try {
      ownMs = this.#delay(attempt, previousMs, this.#random);
    } catch {
      this.#faults.report("backoff threw: the default delay was taken");
      return this.#standard(attempt, previousMs, this.#random);
    }
    return this.#told(ownMs, undefined) ?? this.#standard(attempt, previousMs, this.#random);
  }

  /** A source that throws would have its error take the place of the real one. */
  #randomFrom(random: (() => number) | undefined): () => number {
    if (random === undefined) return () => Math.random();
    return () => {
      try {
        return random();
      } catch {
        this.#faults.report("random threw: another source was taken");
        return Math.random();
      }
    };
  }

  /** A delay that code of the caller's gave, held to what a timer can hold; a NaN would be a loop without a pause. */
  #told<F extends number | undefined>(delayMs: unknown, fallback: F): number | F {
    if (typeof delayMs === "number" && delayMs >= 0) return Math.min(delayMs, MAX_TIMER_MS);
    this.#faults.report("a delay that is no number of milliseconds was replaced by a default one");
    return fallback;
  }

  /** Never sooner than the hint; where that is longer than our own delay it is spread on top, up to a tenth of it. */
  #hinted(hintMs: number, ownMs: number): number {
    if (hintMs <= ownMs) return ownMs;
    const spreadMs = this.#jitters ? draw(this.#random) * Math.min(hintMs / 10, MAX_HINT_SPREAD_MS) : 0;
    return Math.min(hintMs + spreadMs, MAX_TIMER_MS);
  }
}
