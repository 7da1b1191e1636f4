import type { RetryOptions } from "./policy.ts";

/**
 * For what a service cannot start without: tries for ten minutes, however often, 1 to 61 s apart. Without a budget, for
 * it is one caller with a long back-off, and its failure is that of the whole service.
 */
export const startup: RetryOptions = Object.freeze({
  name: "startup",
  maxAttempts: Number.POSITIVE_INFINITY,
  maxElapsedMs: 600_000,
  backoff: Object.freeze({ baseMs: 1_000, factor: 2, capMs: 60_000, jitter: "additive", jitterMs: 1_000 }),
  budget: false,
});

/** For a call that somebody waits for: four attempts, 30 s for all of them. */
export const operation: RetryOptions = Object.freeze({
  name: "operation",
  maxAttempts: 4,
  maxElapsedMs: 30_000,
  backoff: Object.freeze({ baseMs: 50, factor: 2, capMs: 2_000, jitter: "full" }),
});
