export type { Attempt } from "./attempt.ts";
export {
  type BackoffOptions,
  type Delay,
  ExponentialBackoff,
  type ExponentialBackoffOptions,
  exponentialDelay,
} from "./backoff.ts";
export {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
  CircuitOpenError,
  type CircuitState,
} from "./breaker.ts";
export { type Budget, RetryBudget, type RetryBudgetOptions, type RetryCharge } from "./budget.ts";
export { CHANNELS, type RetryEvent } from "./channels.ts";
export {
  attemptsOf,
  type GiveUpReason,
  type RetryReport,
  RetryTimeoutError,
  reportOf,
  type TimeoutLimit,
} from "./errors.ts";
export type { OnGiveUpEvent, OnRetryEvent } from "./hooks.ts";
export type { Jitter } from "./jitter.ts";
export type { RetryOptions, RetryVerdict } from "./policy.ts";
export { operation, startup } from "./profiles.ts";
export { createRetry, type Retry, type RetryCallOptions, retry } from "./retry.ts";
