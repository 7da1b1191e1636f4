import { channel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CHANNELS, createRetry, type RetryEvent, type RetryOptions } from "../src/index.ts";
import { failing, failure, hang, Refused } from "./support/failing.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const quick: RetryOptions = { budget: false, backoff: { baseMs: 100, jitter: "none" } };

describe("hooks", () => {
  test("tell of each wait and of the end, with the attempt, the delay and the time", async () => {
    const onRetry = vi.fn();
    const onGiveUp = vi.fn();
    const error = new Refused("no");
    const call = failure(createRetry({ ...quick, maxAttempts: 3, onRetry, onGiveUp })(failing(9, error)));
    await vi.runAllTimersAsync();
    await call;
    expect(onRetry.mock.calls).toEqual([
      [{ error, attempt: 1, delayMs: 100, elapsedMs: 0 }],
      [{ error, attempt: 2, delayMs: 200, elapsedMs: 100 }],
    ]);
    expect(onGiveUp.mock.calls).toEqual([[{ error, attempts: 3, elapsedMs: 300, reason: "max-attempts" }]]);
  });

  const throws = (): never => {
    throw new Error("in the hook");
  };
  test.each<[string, () => unknown, string | undefined]>([
    ["throws", throws, "threw"],
    ["rejects", () => Promise.reject(new Error("in the hook")), "rejected"],
    ["never settles", hang, undefined],
    ["gives something odd", () => Object.create(null), undefined],
    // biome-ignore lint/suspicious/noThenProperty: a promise that is none
    ["gives what throws when looked at", () => Object.defineProperty({}, "then", { get: throws }), "rejected"],
  ])("hazard: a hook breaks the call — one that %s changes nothing", async (_name, hook, verb) => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const again = createRetry({ ...quick, name: "mail", onRetry: hook, onGiveUp: hook });
    const succeeds = again(failing(2));
    await vi.runAllTimersAsync();
    expect(await succeeds).toBe("ok");
    const error = new Refused("no");
    const fails = failure(again(failing(9, error)));
    await vi.runAllTimersAsync();
    expect(await fails).toBe(error);
    const text = `the hook onRetry ${verb} (policy "mail"; reported once)`;
    if (verb === undefined) expect(warn).not.toHaveBeenCalled();
    else expect(warn).toHaveBeenCalledExactlyOnceWith(text, "RetryWarning");
  });
});

describe("the channel db:retry", () => {
  async function eventsOf(options: RetryOptions, fn: () => Promise<unknown>): Promise<RetryEvent[]> {
    const events: RetryEvent[] = [];
    const note = (event: unknown): void => void events.push(event as RetryEvent);
    channel(CHANNELS.retry).subscribe(note);
    try {
      const call = createRetry({ ...quick, ...options })(fn).catch(() => {});
      await vi.runAllTimersAsync();
      await call;
      return events;
    } finally {
      channel(CHANNELS.retry).unsubscribe(note);
    }
  }

  test("tells of each retry and of the success in the end, with the policy's name", async () => {
    expect(CHANNELS.retry).toBe("db:retry");
    expect(await eventsOf({ name: "mail" }, failing(2))).toEqual([
      { policy: "mail", attempt: 1, delayMs: 100, errorType: "Error", outcome: "retry" },
      { policy: "mail", attempt: 2, delayMs: 200, errorType: "Error", outcome: "retry" },
      { policy: "mail", attempt: 3, delayMs: 0, errorType: "Error", outcome: "success" },
    ]);
  });

  test("tells why there is no other attempt", async () => {
    expect((await eventsOf({ maxAttempts: 2 }, failing(9))).at(-1)).toMatchObject({
      outcome: "max-attempts",
      attempt: 2,
    });
    expect(await eventsOf({ maxElapsedMs: 50 }, failing(9))).toMatchObject([{ outcome: "max-elapsed", attempt: 1 }]);
  });

  test("is silent where no retry came into it", async () => {
    expect(await eventsOf({}, failing(0))).toEqual([]);
    expect(await eventsOf({}, failing(1, new Error("a refusal")))).toEqual([]);
  });

  test.each<[unknown, string]>([
    [Object.assign(new Refused("SECRET"), { code: "CONFLICT" }), "CONFLICT"],
    [Object.assign(new Refused("SECRET"), { code: 5 }), "Error"],
    [{ retryable: true }, "object"],
    [new Proxy({}, { get: (_target, key) => (key === "retryable" ? true : refuse()) }), "object"],
  ])("names an error by its code or name, never by its message", async (error, errorType) => {
    const [first] = await eventsOf({}, failing(1, error));
    expect(first?.errorType).toBe(errorType);
    expect(JSON.stringify(first)).not.toContain("SECRET");
  });

  test("costs nothing while nobody listens", async () => {
    const publish = vi.spyOn(channel(CHANNELS.retry), "publish");
    const call = createRetry(quick)(failing(2));
    await vi.runAllTimersAsync();
    await call;
    expect(publish).not.toHaveBeenCalled();
  });
});

function refuse(): never {
  throw new Error("do not look");
}
