import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Attempt, attemptsOf, createRetry, type RetryOptions, reportOf, retry } from "../src/index.ts";
import { failing, failure, Refused } from "./support/failing.ts";

beforeEach(() => {
  vi.useFakeTimers({ loopLimit: 20_000 });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const quick: RetryOptions = { budget: false, backoff: { baseMs: 100, jitter: "none" } };

/** When the attempts were made, in milliseconds from now; the call fails whenever it can. */
async function timesOf(options: RetryOptions, error: unknown = new Refused("no")): Promise<number[]> {
  const start = performance.now();
  const times: number[] = [];
  const call = failure(
    createRetry({ budget: false, ...options })(() => {
      times.push(performance.now() - start);
      return Promise.reject(error);
    }),
  );
  await vi.runAllTimersAsync();
  expect(await call).toBe(error);
  return times;
}

describe("a call", () => {
  test.each<[string, () => unknown]>([
    ["a promise", async () => "ok"],
    ["a plain value", () => "ok"],
    // biome-ignore lint/suspicious/noThenProperty: a promise of another make
    ["a thenable", () => ({ then: (resolve: (value: string) => void) => resolve("ok") })],
  ])("that succeeds with %s is made once", async (_name, fn) => {
    const spy = vi.fn(fn);
    expect(await createRetry()(spy)).toBe("ok");
    expect(await retry(spy)).toBe("ok");
    expect(await createRetry({ attemptTimeoutMs: 50 })(spy)).toBe("ok");
    expect(spy).toHaveBeenCalledTimes(3);
    vi.clearAllTimers();
  });

  test("that fails is made again until it succeeds", async () => {
    const call = createRetry(quick)(failing(3));
    await vi.runAllTimersAsync();
    expect(await call).toBe("ok");
  });

  test("that throws before it gives a promise counts as one that failed", async () => {
    const error = new Refused("at once");
    const throws = (): never => {
      throw error;
    };
    for (const options of [quick, { ...quick, attemptTimeoutMs: 50 }]) {
      const fn = vi.fn(throws);
      const call = failure(createRetry(options)(fn));
      await vi.runAllTimersAsync();
      expect(await call).toBe(error);
      expect(fn).toHaveBeenCalledTimes(4);
    }
  });

  test("waits longer after each failure, four attempts in all", async () => {
    expect(await timesOf(quick)).toEqual([0, 100, 300, 700]);
  });

  test("ends with the last error, by identity and unwrapped; how often it was tried is told beside it", async () => {
    const errors = Array.from({ length: 4 }, (_, index) => new Refused(`number ${index + 1}`));
    const call = failure(createRetry(quick)(({ attempt }) => Promise.reject(errors[attempt - 1])));
    await vi.runAllTimersAsync();
    const error = await call;
    expect(error).toBe(errors[3]);
    expect(attemptsOf(error)).toBe(4);
    expect(reportOf(error)).toEqual({ attempts: 4, reason: "max-attempts" });
    expect(attemptsOf(errors[0])).toBeUndefined();
    expect(Object.keys(error as object)).toEqual(["retryable"]);
  });

  test("may throw what is no object; nothing can be told beside that", async () => {
    for (const thrown of ["text", undefined, null, 5]) {
      expect(await failure(createRetry()(() => Promise.reject(thrown)))).toBe(thrown);
      expect(attemptsOf(thrown)).toBeUndefined();
    }
    const frozen = Object.freeze({ retryable: false });
    const callable = (): void => {};
    for (const thrown of [frozen, callable]) {
      expect(await failure(createRetry()(() => Promise.reject(thrown)))).toBe(thrown);
      expect(attemptsOf(thrown)).toBe(1);
    }
  });

  test("learns the number of its attempt, and that there is no end in time", async () => {
    const seen: unknown[] = [];
    const call = createRetry(quick)(({ attempt, remainingMs, signal }: Attempt) => {
      seen.push([attempt, remainingMs, signal.aborted]);
      return attempt < 3 ? Promise.reject(new Refused("no")) : Promise.resolve("ok");
    });
    await vi.runAllTimersAsync();
    await call;
    expect(seen).toEqual([
      [1, Number.POSITIVE_INFINITY, false],
      [2, Number.POSITIVE_INFINITY, false],
      [3, Number.POSITIVE_INFINITY, false],
    ]);
  });

  test("is given a signal only when it asks for one, for that is dear", async () => {
    const made = vi.spyOn(globalThis, "AbortController");
    await createRetry({ attemptTimeoutMs: 50, maxElapsedMs: 50 })(async ({ attempt }) => attempt);
    expect(made).not.toHaveBeenCalled();
    await createRetry()(async (attempt) => expect(attempt.signal).toBe(attempt.signal));
    expect(made).toHaveBeenCalledTimes(1);
    vi.clearAllTimers();
  });
});

describe("what is tried again", () => {
  test("by default what calls itself retryable, and nothing else", async () => {
    const tried = async (error: unknown): Promise<number> => (await timesOf(quick, error)).length;
    expect(await tried(Object.assign(new Error("x"), { retryable: true }))).toBe(4);
    expect(await tried({ retryable: true })).toBe(4);
    expect(await tried(Object.assign(new Error("x"), { retryable: "yes" }))).toBe(1);
    expect(await tried(new Error("x"))).toBe(1);
    expect(await tried("retryable")).toBe(1);
  });

  test("what throws when looked at comes back untouched", async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    let caught: unknown;
    try {
      await createRetry({ onGiveUp: () => {} })(() => Promise.reject(proxy));
    } catch (error) {
      caught = error;
    }
    expect(Object.is(caught, proxy)).toBe(true);
  });

  test("hazard: a TypeError is a mistake of the program and not tried again, but one of fetch is where the predicate says so", async () => {
    expect(await timesOf(quick, new TypeError("x is not a function"))).toEqual([0]);
    const network = new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") });
    const shouldRetry = (error: unknown): boolean => error instanceof TypeError && error.message === "fetch failed";
    expect(await timesOf({ ...quick, shouldRetry }, network)).toHaveLength(4);
  });

  test("the predicate is asked with the error and the attempt, and may name the delay exactly", async () => {
    const error = new Error("x");
    const shouldRetry = vi.fn((_error: unknown, attempt: number) => ({ delayMs: attempt * 7 }));
    expect(await timesOf({ ...quick, shouldRetry }, error)).toEqual([0, 7, 21, 42]);
    expect(shouldRetry.mock.calls).toEqual([
      [error, 1],
      [error, 2],
      [error, 3],
      [error, 4],
    ]);
  });

  test("a refusal on the last attempt is told as one", async () => {
    const call = failure(createRetry({ ...quick, shouldRetry: (_error, attempt) => attempt < 4 })(failing(9)));
    await vi.runAllTimersAsync();
    expect(reportOf(await call)).toEqual({ attempts: 4, reason: "not-retryable" });
  });

  test.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("a mistake");
      },
    ],
    ["gives a promise", () => Promise.resolve(true)],
    ["gives nothing", () => undefined],
    ["gives null", () => null],
  ])("a predicate that %s gives the error back, and is warned of once", async (_name, shouldRetry) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const again = createRetry({ ...quick, shouldRetry: shouldRetry as () => boolean });
    const error = new Refused("no");
    for (let count = 0; count < 2; count += 1) expect(await failure(again(() => Promise.reject(error)))).toBe(error);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("shouldRetry"), "RetryWarning");
  });
});

describe("delays", () => {
  test("are spread fully by default, and by the random source that was given", async () => {
    expect(await timesOf({ random: () => 0.5 })).toEqual([0, 25, 75, 175]);
    expect(await timesOf({ random: () => 1, maxAttempts: 8 })).toEqual([0, 50, 150, 350, 750, 1_550, 3_150, 5_150]);
  });

  test("are those of the default where a part of it is undefined, as a conditional leaves it", async () => {
    const backoff = { baseMs: undefined, factor: undefined, capMs: undefined, jitter: undefined } as object;
    expect(await timesOf({ backoff, random: () => 1 })).toEqual([0, 50, 150, 350]);
    expect(await timesOf({ backoff, random: () => 0 })).toEqual([0, 0, 0, 0]);
  });

  test("may come from a function, which is told the attempt and the delay before", async () => {
    const backoff = vi.fn((attempt: number, previousMs: number) => previousMs + attempt * 10);
    expect(await timesOf({ backoff })).toEqual([0, 10, 40, 100]);
    expect(backoff.mock.calls.map(([attempt, previousMs]) => [attempt, previousMs])).toEqual([
      [1, 0],
      [2, 10],
      [3, 30],
    ]);
  });

  test.each<[string, () => number]>([
    ["NaN", () => Number.NaN],
    ["negative", () => -1],
    ["no number", () => "5" as unknown as number],
    [
      "an exception",
      () => {
        throw new Error("a mistake");
      },
    ],
  ])("that are %s are replaced by the default ones: never a loop without a pause", async (_name, backoff) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    expect(await timesOf({ backoff, random: () => 1 })).toEqual([0, 50, 150, 350]);
    expect(warn).toHaveBeenCalledTimes(1);
    const shouldRetry = (): { delayMs: number } => ({ delayMs: Number.NaN });
    expect(await timesOf({ ...quick, shouldRetry })).toEqual([0, 100, 300, 700]);
  });

  test("hazard: the error of a random source that throws takes the place of the real one — another source does", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    vi.spyOn(Math, "random").mockReturnValue(1);
    const random = (): never => {
      throw new Error("a mistake");
    };
    expect(await timesOf({ random })).toEqual([0, 50, 150, 350]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("random threw"), "RetryWarning");
    const hinted = { retryable: true, retryAfterMs: 5_000 };
    expect(await timesOf({ random, maxAttempts: 2 }, hinted)).toEqual([0, 5_500]);
  });

  test("hazard: a delay above 2³¹ − 1 ms fires at once — it is held to what a timer can hold", async () => {
    for (const backoff of [() => 1e12, () => Number.POSITIVE_INFINITY]) {
      const [, second = 0] = await timesOf({ backoff, maxAttempts: 2 });
      expect(second).toBe(2 ** 31 - 1);
    }
  });

  test("hazard: NaN and ∞ after many attempts — the 10,000th waits as long as the cap", async () => {
    const delays: number[] = [];
    const onRetry = ({ delayMs }: { delayMs: number }): unknown => delays.push(delayMs);
    const call = createRetry({
      budget: false,
      maxAttempts: Number.POSITIVE_INFINITY,
      backoff: { baseMs: 1, factor: 10, capMs: 50, jitter: "none" },
      onRetry,
    })(failing(10_000));
    await vi.runAllTimersAsync();
    expect(await call).toBe("ok");
    expect(delays).toHaveLength(10_000);
    expect(delays.slice(2).every((ms) => ms === 50)).toBe(true);
  });

  test.each<[string, object]>([
    ["on the error", { retryable: true, retryAfterMs: 5_000 }],
    ["in its facts", { retryable: true, facts: { retryAfterMs: 5_000 } }],
  ])("are never shorter than the hint %s", async (_name, error) => {
    expect(await timesOf({ ...quick, maxAttempts: 2 }, error)).toEqual([0, 5_000]);
  });

  test("after a hint are spread on top of it, so that those who were told the same do not come together", async () => {
    const hinted = { retryable: true, retryAfterMs: 5_000 };
    expect(await timesOf({ random: () => 1, maxAttempts: 2 }, hinted)).toEqual([0, 5_500]);
    expect(await timesOf({ random: () => 0, maxAttempts: 2 }, hinted)).toEqual([0, 5_000]);
    const far = { retryable: true, retryAfterMs: 100_000 };
    expect(await timesOf({ random: () => 1, maxAttempts: 2 }, far)).toEqual([0, 101_000]);
  });

  test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY, "5", null])("take no heed of a hint of %s", async (hint) => {
    expect(await timesOf({ ...quick, maxAttempts: 2 }, { retryable: true, retryAfterMs: hint })).toEqual([0, 100]);
    expect(await timesOf({ ...quick, maxAttempts: 2 }, { retryable: true, facts: hint })).toEqual([0, 100]);
  });

  test("are those of the back-off where that waits longer than the hint", async () => {
    expect(await timesOf({ ...quick, maxAttempts: 2 }, { retryable: true, retryAfterMs: 60 })).toEqual([0, 100]);
  });
});

describe("a wrapped function", () => {
  test("keeps its arguments and its this, and is repeated", async () => {
    class Adder {
      readonly base = 10;
      calls = 0;
      readonly add = createRetry(quick).wrap(async function add(this: Adder, left: number, right: number) {
        this.calls += 1;
        if (this.calls < 3) throw new Refused("no");
        return this.base + left + right;
      });
    }
    const adder = new Adder();
    const sum: Promise<number> = adder.add(1, 2);
    await vi.runAllTimersAsync();
    expect(await sum).toBe(13);
    expect(adder.calls).toBe(3);
  });
});

describe("calls of retry without a policy", () => {
  test("take the options of both, and share one budget", async () => {
    const controller = new AbortController();
    const call = retry(failing(3), { ...quick, signal: controller.signal });
    await vi.runAllTimersAsync();
    expect(await call).toBe("ok");
    const all = Array.from({ length: 60 }, () => failure(retry(failing(9), { maxAttempts: 2, name: "shared" })));
    await vi.runAllTimersAsync();
    const reasons = (await Promise.all(all)).map((error) => reportOf(error)?.reason);
    expect(reasons).toContain("budget-exhausted");
    expect(reasons).toContain("max-attempts");
  });
});

describe("options", () => {
  test.each<[unknown, string]>([
    [{ maxAttempts: 0 }, "maxAttempts: expected an integer of 1 or more or Infinity, got 0 (number)"],
    [{ maxAttempts: 2.5 }, "got 2.5 (number)"],
    [
      { maxElapsedMs: 0 },
      "maxElapsedMs: expected a number of milliseconds in 1..2147483647 or Infinity, got 0 (number)",
    ],
    [{ maxElapsedMs: 2 ** 31 }, "got 2147483648 (number)"],
    [
      { attemptTimeoutMs: "5" },
      "attemptTimeoutMs: expected a number of milliseconds in 1..2147483647 or Infinity, got string",
    ],
    [{ backoff: { base: 5 } }, 'backoff: unknown option "base", expected one of baseMs'],
    [{ backoff: [], name: "" }, "name: expected a string that is not empty, got string"],
    [{ backoff: true }, "backoff: expected an object of options, got true (boolean)"],
    [{ shouldRetry: true }, "shouldRetry: expected a function, got true (boolean)"],
    [{ budget: true }, "budget: expected a RetryBudget or false, got true (boolean)"],
    [{ budget: null }, "budget: expected a RetryBudget or false, got null"],
    [{ random: [] }, "random: expected a function, got an array"],
    [{ onRetry: {} }, "onRetry: expected a function, got an object"],
    [{ onGiveUp: 1n }, "onGiveUp: expected a function, got bigint"],
    [{ maxRetries: 3 }, 'unknown option "maxRetries", expected one of name, maxAttempts, maxElapsedMs'],
    [5, "expected an object of options, got 5 (number)"],
  ])("%o are refused at construction, and by retry as a rejection", async (options, message) => {
    expect(() => createRetry(options as RetryOptions)).toThrow(message);
    const fn = vi.fn();
    await expect(retry(fn, options as RetryOptions)).rejects.toThrow(message);
    expect(fn).not.toHaveBeenCalled();
  });

  test.each<[unknown, string]>([
    [{ signal: {} }, "signal: expected an AbortSignal, got an object"],
    [{ signal: null }, "signal: expected an AbortSignal, got null"],
    [{ maxElapsedMs: -1 }, "maxElapsedMs: expected a number of milliseconds"],
    [{ maxAttempts: 2 }, 'retry: unknown option "maxAttempts", expected one of signal, maxElapsedMs'],
  ])("of one call, %o, are refused as a rejection", async (options, message) => {
    const fn = vi.fn();
    await expect(createRetry()(fn, options as object)).rejects.toThrow(message);
    expect(fn).not.toHaveBeenCalled();
  });
});
