import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createRetry, RetryBudget, type RetryBudgetOptions, type RetryOptions } from "../src/index.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Refused extends Error {
  readonly retryable = true;
}
const fails = (): Promise<never> => Promise.reject(new Refused("no"));

function drain(budget: RetryBudget): number {
  let count = 0;
  while (budget.charge() !== undefined) count += 1;
  return count;
}

describe("RetryBudget", () => {
  test("allows three retries a second over ten seconds though nothing was called", () => {
    const budget = new RetryBudget();
    expect(budget.available).toBe(30);
    expect(drain(budget)).toBe(30);
    expect(budget.available).toBe(0);
    vi.advanceTimersByTime(10_000);
    expect(drain(budget)).toBe(30);
  });

  test("allows a fifth of the recent calls on top, and forgets calls after ten seconds", () => {
    const budget = new RetryBudget();
    for (let call = 0; call < 1_000; call += 1) budget.count();
    expect(budget.available).toBe(230);
    vi.advanceTimersByTime(8_900);
    expect(budget.available).toBe(230);
    vi.advanceTimersByTime(1_100);
    expect(budget.available).toBe(30);
  });

  test("counts fractions of calls exactly", () => {
    const budget = new RetryBudget({ ratio: 0.1, minPerSecond: 0 });
    for (let call = 0; call < 9; call += 1) budget.count();
    expect(budget.charge()).toBeUndefined();
    budget.count();
    expect(budget.charge()).toBeDefined();
    expect(budget.charge()).toBeUndefined();
  });

  test("gives back what a success refunds, once, and only while it is recent", () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 0.2 });
    const [first, second] = [budget.charge(), budget.charge()];
    expect(budget.available).toBe(0);
    first?.refund();
    first?.refund();
    expect(budget.available).toBe(1);
    vi.advanceTimersByTime(20_000);
    second?.refund();
    expect(budget.available).toBe(2);
  });

  test("survives a clock that was replaced by an earlier one", () => {
    vi.advanceTimersByTime(1_000_000);
    const budget = new RetryBudget();
    drain(budget);
    vi.useRealTimers();
    vi.useFakeTimers();
    expect(budget.available).toBe(30);
  });

  test.each<[unknown, string]>([
    [{ ratio: 1.5 }, "ratio: expected a number in 0..1, got 1.5 (number)"],
    [{ minPerSecond: -1 }, "minPerSecond: expected a number in 0..1000000, got -1 (number)"],
    [{ windowMs: 0 }, "windowMs: expected a number of milliseconds in 1..2147483647, got 0 (number)"],
    [{ rate: 1 }, 'RetryBudget: unknown option "rate", expected one of ratio, minPerSecond, windowMs'],
  ])("the options %o are refused", (options, message) => {
    expect(() => new RetryBudget(options as RetryBudgetOptions)).toThrow(message);
  });
});

describe("a policy with a budget", () => {
  const quick = { backoff: { baseMs: 100, jitter: "none" } } satisfies RetryOptions;

  test("hazard: the budget is charged when the retry is made — callers that back off together are not all let through", async () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 0.3 });
    const retry = createRetry({ ...quick, budget });
    const fn = vi.fn(fails);
    const all = Array.from({ length: 10 }, () => retry(fn).catch(() => {}));
    await vi.advanceTimersByTimeAsync(0);
    // All ten have failed once and none has been repeated; the budget of three is gone already.
    expect(fn).toHaveBeenCalledTimes(10);
    expect(budget.available).toBe(0);
    await vi.runAllTimersAsync();
    await Promise.all(all);
    expect(fn).toHaveBeenCalledTimes(13);
  });

  test("an exhausted budget has a reason of its own, and the error is the original by identity", async () => {
    const onGiveUp = vi.fn();
    const retry = createRetry({ budget: new RetryBudget({ ratio: 0, minPerSecond: 0 }), onGiveUp });
    const error = new Refused("no");
    await expect(retry(() => Promise.reject(error))).rejects.toBe(error);
    expect(onGiveUp).toHaveBeenCalledExactlyOnceWith({
      error,
      attempts: 1,
      elapsedMs: 0,
      reason: "budget-exhausted",
    });
  });

  test("is refunded when the retry succeeds, and not when it fails", async () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 1 });
    const retry = createRetry({ ...quick, budget });
    const second = retry(({ attempt }) => (attempt === 1 ? fails() : "ok"));
    await vi.advanceTimersByTimeAsync(0);
    expect(budget.available).toBe(9);
    await vi.advanceTimersByTimeAsync(100);
    expect(await second).toBe("ok");
    expect(budget.available).toBe(10);
    const failing = retry(fails).catch(() => {});
    await vi.runAllTimersAsync();
    await failing;
    expect(budget.available).toBe(7);
  });

  test("is refunded for a retry that was never made because the caller aborted", async () => {
    const budget = new RetryBudget({ ratio: 0, minPerSecond: 1 });
    const controller = new AbortController();
    const call = createRetry({ ...quick, budget })(fails, { signal: controller.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(10);
    expect(budget.available).toBe(9);
    controller.abort();
    await call;
    expect(budget.available).toBe(10);
  });

  test("can be shared by policies, or switched off", async () => {
    const first = createRetry(quick);
    const second = createRetry({ ...quick, ...(first.budget === undefined ? {} : { budget: first.budget }) });
    expect(first.budget).toBeInstanceOf(RetryBudget);
    expect(second.budget).toBe(first.budget);
    expect(createRetry().budget).not.toBe(first.budget);
    expect(createRetry({ budget: false }).budget).toBeUndefined();
  });
});

describe("in a total outage of 30 s", () => {
  /** 100 calls a second, each of four attempts at most; returns attempts per call. */
  async function load(options: RetryOptions): Promise<number> {
    const retry = createRetry(options);
    const calls: Promise<void>[] = [];
    let attempts = 0;
    const down = (): Promise<never> => {
      attempts += 1;
      return fails();
    };
    for (let elapsedMs = 0; elapsedMs < 30_000; elapsedMs += 10) {
      calls.push(retry(down).catch(() => {}));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    return attempts / calls.length;
  }

  test("load rises at most 1.3 times", async () => {
    const rise = await load({});
    expect(rise).toBeLessThanOrEqual(1.3);
    expect(rise).toBeCloseTo(1.23, 1);
  });

  test("it would rise four times without the budget", async () => {
    expect(await load({ budget: false })).toBe(4);
  });
});
