import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitChange,
  CircuitOpenError,
  createRetry,
} from "../src/index.ts";
import { failure, hang, Refused } from "./support/failing.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const fails = (): Promise<never> => Promise.reject(new Refused("no"));
const aborted = (): Promise<never> => Promise.reject(AbortSignal.abort().reason);
const works = (): string => "ok";
const slowly = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 200, "late"));

async function many(breaker: CircuitBreaker, count: number, fn: () => unknown): Promise<void> {
  const calls = Array.from({ length: count }, () => breaker.run(fn).catch(() => {}));
  await vi.runAllTimersAsync();
  await Promise.all(calls);
}

async function opened(options: CircuitBreakerOptions = {}): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker({ minCalls: 4, probes: 2, ...options });
  await many(breaker, 4, fails);
  expect(breaker.state).toBe("open");
  return breaker;
}

describe("a closed circuit", () => {
  test("passes results and errors as they are", async () => {
    const breaker = new CircuitBreaker();
    expect(await breaker.run(works)).toBe("ok");
    const error = new Error("x");
    expect(await failure(breaker.run(() => Promise.reject(error)))).toBe(error);
  });

  test("opens at half of the recent calls failed, once there are twenty", async () => {
    const breaker = new CircuitBreaker();
    await many(breaker, 19, fails);
    expect(breaker.state).toBe("closed");
    await many(breaker, 1, works);
    expect(breaker.state).toBe("open");
  });

  test("stays closed below the ratio, and forgets what is not recent", async () => {
    const breaker = new CircuitBreaker({ minCalls: 4 });
    await many(breaker, 5, works);
    await many(breaker, 4, fails);
    expect(breaker.state).toBe("closed");
    vi.advanceTimersByTime(10_000);
    await many(breaker, 3, fails);
    expect(breaker.state).toBe("closed");
    await many(breaker, 1, fails);
    expect(breaker.state).toBe("open");
  });

  test("opens when most calls are slow, though they succeed", async () => {
    const breaker = new CircuitBreaker({ minCalls: 5, slowMs: 150 });
    await many(breaker, 1, works);
    await many(breaker, 3, slowly);
    expect(breaker.state).toBe("closed");
    await many(breaker, 1, slowly);
    expect(breaker.state).toBe("open");
  });

  test("does not count what tells of the caller: refusals, aborts, or as isFailure says", async () => {
    const breaker = new CircuitBreaker({ minCalls: 1 });
    await many(breaker, 5, () => Promise.reject(Object.assign(new Error("404"), { retryable: false })));
    await many(breaker, 5, aborted);
    expect(breaker.state).toBe("closed");
    const own = new CircuitBreaker({ minCalls: 1, isFailure: () => false });
    await many(own, 5, fails);
    expect(own.state).toBe("closed");
  });
});

test("hazard: calls whose callers left count as answered — all the answers that there are were failures", async () => {
  const breaker = new CircuitBreaker({ minCalls: 4 });
  await many(breaker, 20, aborted);
  await many(breaker, 4, fails);
  expect(breaker.state).toBe("open");
});

test("a call whose caller left after too long was slow all the same", async () => {
  const breaker = new CircuitBreaker({ minCalls: 4, slowMs: 150 });
  await many(breaker, 4, () => slowly().then(aborted));
  expect(breaker.state).toBe("open");
});

describe("an open circuit", () => {
  test("refuses at once, sends nothing, and says when to come again", async () => {
    const breaker = await opened({ name: "mail" });
    vi.advanceTimersByTime(2_000);
    const fn = vi.fn();
    const error = await failure(breaker.run(fn));
    expect(error).toBeInstanceOf(CircuitOpenError);
    expect(error).toMatchObject({ name: "CircuitOpenError", retryable: true, retryAfterMs: 3_000 });
    expect(String(error)).toContain("mail is open");
    expect(fn).not.toHaveBeenCalled();
  });

  test("lets as many probes through as it was told, and closes when all succeed", async () => {
    const changes: CircuitChange[] = [];
    const breaker = await opened({ onStateChange: (change) => changes.push(change) });
    vi.advanceTimersByTime(5_000);
    const probes = [breaker.run(slowly), breaker.run(slowly)];
    expect(breaker.state).toBe("half-open");
    expect(await failure(breaker.run(works))).toBeInstanceOf(CircuitOpenError);
    await vi.runAllTimersAsync();
    expect(await Promise.all(probes)).toEqual(["late", "late"]);
    expect(breaker.state).toBe("closed");
    expect(changes).toEqual([
      { from: "closed", to: "open" },
      { from: "open", to: "half-open" },
      { from: "half-open", to: "closed" },
    ]);
  });

  test.each<[string, () => unknown]>([
    ["fails", fails],
    ["is slow", slowly],
  ])("opens again for its whole time when a probe %s", async (_name, fn) => {
    const breaker = await opened({ slowMs: 150 });
    vi.advanceTimersByTime(5_000);
    await many(breaker, 1, fn);
    expect(breaker.state).toBe("open");
    expect(await failure(breaker.run(works))).toMatchObject({ retryAfterMs: 5_000 });
  });

  test("hazard: probes that hang keep it half-open for ever — they count as failed after its time", async () => {
    const breaker = await opened();
    vi.advanceTimersByTime(5_000);
    for (let probe = 0; probe < 2; probe += 1) void breaker.run(hang);
    vi.advanceTimersByTime(5_000);
    expect(await failure(breaker.run(works))).toMatchObject({ retryAfterMs: 5_000 });
    expect(breaker.state).toBe("open");
    vi.advanceTimersByTime(5_000);
    await many(breaker, 2, works);
    expect(breaker.state).toBe("closed");
  });

  test("hazard: probes that nobody came to make count as hung — few calls close it as well as many", async () => {
    const breaker = await opened({ probes: 3 });
    for (let call = 0; call < 3; call += 1) {
      vi.advanceTimersByTime(20_000);
      expect(await breaker.run(works)).toBe("ok");
    }
    expect(breaker.state).toBe("closed");
  });

  test("gives each probe its time, from when that began", async () => {
    const breaker = await opened();
    vi.advanceTimersByTime(5_000);
    void breaker.run(works);
    vi.advanceTimersByTime(4_900);
    const late = breaker.run(slowly);
    await vi.advanceTimersByTimeAsync(150);
    expect(await failure(breaker.run(works))).toMatchObject({ retryAfterMs: 4_850 });
    await vi.runAllTimersAsync();
    expect(await late).toBe("late");
    expect(breaker.state).toBe("closed");
  });

  test("hazard: probes whose callers left count as succeeded — others take their place", async () => {
    const breaker = await opened();
    vi.advanceTimersByTime(5_000);
    for (let probe = 0; probe < 5; probe += 1) await failure(breaker.run(aborted));
    expect(breaker.state).toBe("half-open");
    await many(breaker, 2, works);
    expect(breaker.state).toBe("closed");
  });

  test("hazard: late answers of calls from before move it", async () => {
    const breaker = new CircuitBreaker({ minCalls: 4, probes: 1 });
    const late = Array.from({ length: 4 }, () => failure(breaker.run(() => slowly().then(fails))));
    await Promise.all(Array.from({ length: 4 }, () => failure(breaker.run(fails))));
    expect(breaker.state).toBe("open");
    const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 5_000);
    expect(await breaker.run(works)).toBe("ok");
    clock.mockRestore();
    expect(breaker.state).toBe("closed");
    await vi.runAllTimersAsync();
    await Promise.all(late);
    expect(breaker.state).toBe("closed");
  });
});

test("inside of a retry the hint is obeyed, and the call succeeds when the service is back", async () => {
  const breaker = await opened({ probes: 1 });
  const retry = createRetry({ maxElapsedMs: 30_000, random: () => 0 });
  const start = performance.now();
  const call = retry(() => breaker.run(works)).then((value) => ({ value, tookMs: performance.now() - start }));
  await vi.runAllTimersAsync();
  expect(await call).toEqual({ value: "ok", tookMs: 5_000 });
});

test("a strange isFailure or onStateChange breaks no call, and is warned of once", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  const throws = (): never => {
    throw new Error("a mistake");
  };
  await opened({ isFailure: throws, onStateChange: throws });
  expect(warn).toHaveBeenCalledTimes(1);
});

test.each<[unknown, string]>([
  [{ failureRatio: 0 }, "failureRatio: expected a number in"],
  [{ slowRatio: 1.1 }, "slowRatio: expected a number in"],
  [{ slowMs: 0 }, "slowMs: expected a number of milliseconds"],
  [{ minCalls: 0 }, "minCalls: expected an integer of 1 or more, got 0 (number)"],
  [{ probes: 1.5 }, "probes: expected an integer of 1 or more, got 1.5 (number)"],
  [{ openMs: Number.POSITIVE_INFINITY }, "openMs: expected a number of milliseconds in 1..2147483647"],
  [{ windowMs: "1" }, "windowMs: expected a number of milliseconds in 1..2147483647, got string"],
  [{ name: 5 }, "name: expected a string, got 5 (number)"],
  [{ isFailure: 5 }, "isFailure: expected a function"],
  [{ halfOpenAfter: 5 }, 'CircuitBreaker: unknown option "halfOpenAfter"'],
])("the options %o are refused", (options, message) => {
  expect(() => new CircuitBreaker(options as CircuitBreakerOptions)).toThrow(message);
});
