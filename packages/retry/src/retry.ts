import { type Attempt, FreeAttempt } from "./attempt.ts";
import type { Budget } from "./budget.ts";
import { Call } from "./call.ts";
import { giveUp, goOn } from "./course.ts";
import { checkKeys, checkLimit, expected } from "./options.ts";
import { POLICY_KEYS, Policy, type RetryOptions } from "./policy.ts";

/** What one call may bring of its own. */
export interface RetryCallOptions {
  /**
   * Ends the call at once, also while it waits; it rejects with `signal.reason`, by identity. The listener is gone when
   * the call has ended.
   */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the policy's. */
  readonly maxElapsedMs?: number | undefined;
}

/** A policy, ready to run functions. */
export interface Retry {
  /**
   * Runs `fn` until it succeeds or the policy ends it. What `fn` threw last comes back by identity.
   * @throws TypeError (as a rejection) for an option that is unknown or wrong
   */
  <T>(fn: (attempt: Attempt) => T | PromiseLike<T>, options?: RetryCallOptions): Promise<T>;
  /** A function that does the same under this policy; `this` and the arguments go along. */
  wrap<This, A extends unknown[], R>(
    fn: (this: This, ...args: A) => R,
  ): (this: This, ...args: A) => Promise<Awaited<R>>;
  /** To share with another policy; undefined where it is off. */
  readonly budget: Budget | undefined;
}

const NO_OPTIONS: RetryOptions = {};
const UNLIMITED = Number.POSITIVE_INFINITY;

/**
 * Makes a policy: options are checked here, once. Make one for each service that you call and keep it, for its budget is
 * what protects that service.
 * @throws TypeError for an option that is unknown or wrong
 */
export function createRetry(options: RetryOptions = {}): Retry {
  checkKeys("createRetry", options, POLICY_KEYS);
  const policy = new Policy(options);
  const run = <T>(fn: (attempt: Attempt) => T | PromiseLike<T>, call?: RetryCallOptions): Promise<T> =>
    call === undefined ? start(policy, fn, undefined, policy.maxElapsedMs) : startChecked(policy, fn, call);
  return Object.assign(run, {
    wrap<This, A extends unknown[], R>(fn: (this: This, ...args: A) => R) {
      return function retried(this: This, ...args: A): Promise<Awaited<R>> {
        return run(() => fn.apply(this, args) as Awaited<R>);
      };
    },
    budget: policy.budget,
  });
}

let standard: Policy | undefined;

/**
 * Runs `fn` under these options. On a path that is called often use `createRetry`: it checks its options once, and has a
 * budget of its own. Without a `budget` all calls of `retry` in the process share one.
 * @throws TypeError (as a rejection) for an option that is unknown or wrong
 */
export async function retry<T>(
  fn: (attempt: Attempt) => T | PromiseLike<T>,
  options: RetryOptions & Pick<RetryCallOptions, "signal"> = NO_OPTIONS,
): Promise<T> {
  standard ??= new Policy({});
  if (options === NO_OPTIONS) return start(standard, fn, undefined, UNLIMITED);
  checkKeys("retry", options, [...POLICY_KEYS, "signal"]);
  const { signal, ...own } = options;
  const { budget = standard.budget ?? false } = own;
  const policy = new Policy({ ...own, budget });
  return start(policy, fn, checkSignal(signal), policy.maxElapsedMs);
}

function startChecked<T>(
  policy: Policy,
  fn: (attempt: Attempt) => T | PromiseLike<T>,
  options: RetryCallOptions,
): Promise<T> {
  try {
    checkKeys("retry", options, ["signal", "maxElapsedMs"]);
    const { signal, maxElapsedMs = policy.maxElapsedMs } = options;
    return start(policy, fn, checkSignal(signal), checkLimit("maxElapsedMs", maxElapsedMs));
  } catch (error) {
    return Promise.reject(error);
  }
}

function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || typeof (signal as Partial<AbortSignal> | null)?.addEventListener === "function")
    return signal;
  throw expected("signal", "an AbortSignal", signal);
}

function start<T>(
  policy: Policy,
  fn: (attempt: Attempt) => T | PromiseLike<T>,
  signal: AbortSignal | undefined,
  maxElapsedMs: number,
): Promise<T> {
  const startedAt = policy.timed ? performance.now() : Number.NaN;
  if (signal === undefined && maxElapsedMs === UNLIMITED && policy.attemptTimeoutMs === UNLIMITED) {
    policy.budget?.count();
    // Nothing can end the first attempt but itself: there is nothing to watch, and nothing to make.
    const fail = (error: unknown): Promise<T> =>
      goOn(policy, new Call(policy, fn, undefined, UNLIMITED, startedAt), error);
    try {
      return Promise.resolve(fn(new FreeAttempt(1))).then(undefined, fail);
    } catch (thrown) {
      return fail(thrown);
    }
  }
  const call = new Call(policy, fn, signal, maxElapsedMs, startedAt);
  if (signal?.aborted === true) {
    return Promise.reject(giveUp(policy, call, 0, { reason: "aborted", error: signal.reason }));
  }
  policy.budget?.count();
  call.begin();
  return call.attempt(1).then(
    (value) => {
      call.end();
      return value;
    },
    (error: unknown) => goOn(policy, call, error),
  );
}
