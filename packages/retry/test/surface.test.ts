import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/retry")).sort()).toEqual([
    "CHANNELS",
    "CircuitBreaker",
    "CircuitOpenError",
    "ExponentialBackoff",
    "RetryBudget",
    "RetryTimeoutError",
    "attemptsOf",
    "createRetry",
    "exponentialDelay",
    "operation",
    "reportOf",
    "retry",
    "startup",
  ]);
});

test("the layer stands on a door of its own, for the rest knows no database", async () => {
  expect(Object.keys(await import("@db/retry/layer"))).toEqual(["retryLayer"]);
});
