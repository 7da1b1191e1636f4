import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Attempt,
  attemptsOf,
  createRetry,
  operation,
  type RetryOptions,
  RetryTimeoutError,
  reportOf,
  retry,
  startup,
} from "../src/index.ts";
import { failing, failure, hang, Refused } from "./support/failing.ts";

const rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);

beforeEach(() => {
  vi.useFakeTimers();
  process.on("unhandledRejection", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
  expect(rejections.splice(0)).toEqual([]);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const quick: RetryOptions = { budget: false, backoff: { baseMs: 100, jitter: "none" } };

/** How long a call takes to settle, in milliseconds. */
async function timed<T>(start: () => Promise<T>): Promise<{ readonly ms: number; readonly outcome: unknown }> {
  const startedAt = performance.now();
  const call = start().then(
    (value) => ({ ms: performance.now() - startedAt, outcome: value as unknown }),
    (error: unknown) => ({ ms: performance.now() - startedAt, outcome: error }),
  );
  await vi.runAllTimersAsync();
  return call;
}

describe("maxElapsedMs", () => {
  test("hazard: a hung attempt ignores it — it is cut off, whether it listens or not", async () => {
    const again = createRetry({ ...quick, maxElapsedMs: 1_000 });
    const { ms, outcome } = await timed(() => again(hang));
    expect(ms).toBe(1_000);
    expect(outcome).toBeInstanceOf(RetryTimeoutError);
    expect(outcome).toMatchObject({ limit: "elapsed", timeoutMs: 1_000, retryable: true, name: "RetryTimeoutError" });
    expect(outcome).not.toHaveProperty("cause");
    expect(reportOf(outcome)).toEqual({ attempts: 1, reason: "max-elapsed" });
  });

  test("tells the attempt that it cuts off by its signal, and what failed before as the cause", async () => {
    const before = new Refused("first");
    let signal: AbortSignal | undefined;
    const again = createRetry({ ...quick, maxElapsedMs: 1_000 });
    const { outcome } = await timed(() =>
      again((attempt) => {
        if (attempt.attempt === 1) return Promise.reject(before);
        signal = attempt.signal;
        return hang();
      }),
    );
    expect(signal?.reason).toBe(outcome);
    expect(outcome).toMatchObject({
      cause: before,
      message: "the call did not end within 1000 ms, all attempts together",
    });
    expect(attemptsOf(outcome)).toBe(2);
  });

  test("is not slept past: the real error comes back at once", async () => {
    const error = new Refused("no");
    const again = createRetry({ ...quick, maxElapsedMs: 250 });
    const { ms, outcome } = await timed(() => again(() => Promise.reject(error)));
    // After 100 ms the second attempt fails; 200 more would end after 250.
    expect({ ms, outcome }).toEqual({ ms: 100, outcome: error });
    expect(reportOf(error)).toEqual({ attempts: 2, reason: "max-elapsed" });
  });

  test("also holds for a hint that asks for longer", async () => {
    const error = { retryable: true, retryAfterMs: 60_000 };
    const { ms, outcome } = await timed(() => createRetry({ ...operation })(() => Promise.reject(error)));
    expect({ ms, outcome }).toEqual({ ms: 0, outcome: error });
  });

  test("can be set by a call for itself", async () => {
    const again = createRetry(quick);
    expect((await timed(() => again(hang, { maxElapsedMs: 70 }))).ms).toBe(70);
    const limited = createRetry({ ...quick, maxElapsedMs: 70 });
    const late = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 500, "ok"));
    expect((await timed(() => limited(late, { maxElapsedMs: Number.POSITIVE_INFINITY }))).outcome).toBe("ok");
  });

  test("that passes while the loop is busy ends a wait with the real error, and nothing is sent", async () => {
    const error = new Refused("no");
    const fn = vi.fn(() => Promise.reject(error));
    const call = failure(createRetry({ ...quick, maxElapsedMs: 105 })(fn));
    await vi.advanceTimersByTimeAsync(50);
    const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5_000);
    await vi.runAllTimersAsync();
    expect(await call).toBe(error);
    expect(fn).toHaveBeenCalledTimes(1);
    clock.mockRestore();
  });

  test("that fires in a wait ends it with the real error", async () => {
    const error = new Refused("no");
    const delays = [1_000, 100];
    // Two calls: the later one of the shorter limit, so that the shared timer is armed anew.
    const again = createRetry({ ...quick, backoff: () => delays.pop() ?? 0 });
    const first = failure(again(hang, { maxElapsedMs: 5_000 }));
    const second = again(failing(1, error), { maxElapsedMs: 2_000 });
    await vi.runAllTimersAsync();
    expect(await first).toBeInstanceOf(RetryTimeoutError);
    expect(await second).toBe("ok");
  });
});

describe("attemptTimeoutMs", () => {
  test("fails an attempt that hangs and makes the next; the signal tells it why", async () => {
    const signals: AbortSignal[] = [];
    const again = createRetry({ ...quick, attemptTimeoutMs: 50 });
    const { ms, outcome } = await timed(() =>
      again(({ attempt, signal }) => {
        signals.push(signal);
        return attempt < 3 ? hang() : "ok";
      }),
    );
    expect({ ms, outcome }).toEqual({ ms: 50 + 100 + 50 + 200, outcome: "ok" });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    expect(signals[0]?.reason).toMatchObject({ limit: "attempt", timeoutMs: 50 });
    expect(signals[1]?.reason).toMatchObject({ cause: signals[0]?.reason });
  });

  test("gives the last attempt's own error when all hang", async () => {
    const { outcome } = await timed(() => createRetry({ ...quick, attemptTimeoutMs: 50 })(hang));
    expect(outcome).toMatchObject({ message: "the attempt did not end within 50 ms", limit: "attempt" });
    expect(attemptsOf(outcome)).toBe(4);
  });

  test("tells each attempt how much time it has, the shorter of both limits", async () => {
    const seen: number[] = [];
    const again = createRetry({ ...quick, attemptTimeoutMs: 300, maxElapsedMs: 350 });
    await timed(() =>
      again(async (attempt) => {
        seen.push(attempt.remainingMs);
        await new Promise((resolve) => setTimeout(resolve, 20));
        seen.push(attempt.remainingMs);
        throw new Refused("no");
      }),
    );
    expect(seen).toEqual([300, 280, 230, 210, 10, 0]);
  });

  test("a late answer is dropped, a late failure is nobody's unhandled rejection, a late signal has fired", async () => {
    const late: Attempt[] = [];
    const again = createRetry({ ...quick, maxAttempts: 3, attemptTimeoutMs: 50 });
    const { outcome } = await timed(() =>
      again(async (attempt) => {
        if (attempt.attempt === 3) return "ours";
        await new Promise((resolve) => setTimeout(resolve, 400));
        late.push(attempt);
        if (attempt.attempt === 1) throw new Error("late");
        return "late";
      }),
    );
    expect(outcome).toBe("ours");
    expect(late.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(late[0]?.remainingMs).toBe(0);
  });
});

describe("an abort", () => {
  test("hazard: it is ignored during back-off — the call settles at once with the signal's reason, by identity", async () => {
    const controller = new AbortController();
    const reason = { enough: true };
    const fn = vi.fn(failing(9));
    const onGiveUp = vi.fn();
    const again = createRetry({ ...quick, onGiveUp, backoff: { baseMs: 60_000, capMs: 60_000, jitter: "none" } });
    const call = failure(again(fn, { signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(100);
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(onGiveUp).toHaveBeenCalledExactlyOnceWith({ error: reason, attempts: 1, elapsedMs: 100, reason: "aborted" });
    await vi.runAllTimersAsync();
    expect(fn).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
    expect(attemptsOf(reason)).toBeUndefined();
  });

  test("during an attempt settles at once too, though the attempt does not listen", async () => {
    const controller = new AbortController();
    const call = failure(createRetry(quick)(hang, { signal: controller.signal }));
    controller.abort();
    expect(await call).toBe(controller.signal.reason);
  });

  test("before the first attempt makes none", async () => {
    const fn = vi.fn();
    const onGiveUp = vi.fn();
    const signal = AbortSignal.abort("gone");
    expect(await failure(createRetry({ onGiveUp })(fn, { signal }))).toBe("gone");
    expect(await failure(retry(fn, { signal }))).toBe("gone");
    expect(fn).not.toHaveBeenCalled();
    expect(onGiveUp).toHaveBeenCalledExactlyOnceWith({ error: "gone", attempts: 0, elapsedMs: 0, reason: "aborted" });
  });

  test("hazard: a fired AbortSignal is retried — it never is, whatever the predicate says", async () => {
    const controller = new AbortController();
    const shouldRetry = vi.fn(() => true);
    const fn = vi.fn(() => {
      controller.abort();
      return Promise.reject(controller.signal.reason);
    });
    const call = failure(createRetry({ ...quick, shouldRetry })(fn, { signal: controller.signal }));
    await vi.runAllTimersAsync();
    expect(await call).toBe(controller.signal.reason);
    expect(fn).toHaveBeenCalledTimes(1);
    expect(shouldRetry).not.toHaveBeenCalled();
  });

  test("by the hook that tells of the retry is heeded before the wait", async () => {
    const controller = new AbortController();
    const fn = vi.fn(failing(9));
    const again = createRetry({ ...quick, onRetry: () => controller.abort("no more") });
    expect(await failure(again(fn, { signal: controller.signal }))).toBe("no more");
    expect(fn).toHaveBeenCalledTimes(1);
  });

  test("reaches an attempt through its signal also where that has limits of its own", async () => {
    const controller = new AbortController();
    const seen: AbortSignal[] = [];
    const keep = ({ signal }: Attempt): Promise<never> => {
      seen.push(signal);
      return hang();
    };
    const { signal } = controller;
    const calls = [
      failure(createRetry(quick)(keep, { signal })),
      failure(createRetry({ ...quick, attemptTimeoutMs: 5_000 })(keep, { signal })),
    ];
    expect(seen[0]).toBe(signal);
    expect(seen[1]).not.toBe(signal);
    controller.abort("enough");
    expect(await Promise.all(calls)).toEqual(["enough", "enough"]);
    expect(seen[1]?.reason).toBe("enough");
  });

  test.each<[string, RetryOptions, number]>([
    ["that succeeds at once", quick, 0],
    ["of ten attempts", { ...quick, maxAttempts: 10, attemptTimeoutMs: 5_000 }, 9],
    ["that fails", { ...quick, maxAttempts: 2 }, 9],
  ])(
    "hazard: a listener is left for each attempt — a call %s adds one and takes it away",
    async (_name, options, fails) => {
      const { signal } = new AbortController();
      const added = vi.spyOn(signal, "addEventListener");
      const removed = vi.spyOn(signal, "removeEventListener");
      await timed(() => createRetry(options)(failing(fails), { signal }));
      expect(added).toHaveBeenCalledTimes(1);
      expect(removed.mock.calls[0]).toEqual(added.mock.calls[0]?.slice(0, 2));
    },
  );
});

describe("hooks and late ends", () => {
  test("run in the asynchronous context of the call, also where a timer shared with others ended it", async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const see = (): unknown => seen.push(store.getStore());
    const again = createRetry({ ...quick, maxAttempts: 2, attemptTimeoutMs: 50, onRetry: see, onGiveUp: see });
    const calls = ["a", "b"].map((name) => store.run(name, () => failure(again(hang))));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    expect(seen.sort()).toEqual(["a", "a", "b", "b"]);
  });
});

describe("the signal of an attempt", () => {
  test("fires in the asynchronous context of its call, also where a timer shared with others ended it", async () => {
    const store = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const again = createRetry({ ...quick, maxAttempts: 1, attemptTimeoutMs: 50 });
    const listens = ({ signal }: Attempt): Promise<never> => {
      signal.addEventListener("abort", () => seen.push(store.getStore()));
      return hang();
    };
    const calls = ["a", "b"].map((name) => store.run(name, () => failure(again(listens))));
    await vi.runAllTimersAsync();
    await Promise.all(calls);
    expect(seen).toEqual(["a", "b"]);
  });
});

describe("profiles", () => {
  test("startup goes on for ten minutes, 1 to 61 s apart", async () => {
    const fn = vi.fn(failing(1_000));
    const { ms, outcome } = await timed(() => createRetry({ ...startup, random: () => 1 })(fn));
    expect(outcome).toBeInstanceOf(Refused);
    expect(reportOf(outcome)?.reason).toBe("max-elapsed");
    expect(ms).toBeGreaterThan(530_000);
    expect(ms).toBeLessThanOrEqual(600_000);
    expect(fn.mock.calls.length).toBeGreaterThan(12);
  });

  test("operation ends after 30 s, and is a plain object to spread", async () => {
    expect((await timed(() => createRetry(operation)(hang))).ms).toBe(30_000);
    expect(createRetry({ ...operation, maxAttempts: 2 })).toBeTypeOf("function");
    expect([operation, startup].every(Object.isFrozen)).toBe(true);
  });
});
