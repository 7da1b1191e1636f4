import { tracingChannel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type SlowCall, type SlowCallOptions, type SlowCallWatch, watchSlowCalls } from "../src/index.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Call {
  readonly kind?: string;
  readonly collection?: string;
  readonly text?: string;
  readonly error?: object;
}

/** A call that took so long has ended. */
function end(durationMs: number, call: Call = {}): void {
  tracingChannel("db:operation").asyncEnd.publish({
    driver: "primary",
    namespace: "shop|main",
    kind: "read",
    collection: "notes",
    operationId: "op-1",
    text: undefined,
    rows: 1,
    startedAt: performance.now() - durationMs,
    ...call,
  });
}

function watched(options: Partial<SlowCallOptions> = {}): {
  log: SlowCall[];
  alerts: SlowCall[];
  watch: SlowCallWatch;
} {
  const log: SlowCall[] = [];
  const alerts: SlowCall[] = [];
  const watch = watchSlowCalls({ log: (call) => log.push(call), alert: (call) => alerts.push(call), ...options });
  onTestFinished(() => watch.stop());
  return { log, alerts, watch };
}

describe("a call that took too long", () => {
  test("is told with its facts, and no value", () => {
    const { log, alerts } = watched();
    end(1_500, { kind: "query", text: "SELECT * FROM notes WHERE title = 'SECRET'", error: { code: "QUERY_TIMEOUT" } });
    end(999);
    expect(log).toEqual([
      {
        operation: "query",
        collection: "notes",
        namespace: "shop|main",
        adapter: "primary",
        durationMs: 1_500,
        thresholdMs: 1_000,
        errorType: "QUERY_TIMEOUT",
        rows: 1,
        operationId: "op-1",
        traceId: undefined,
        text: "SELECT * FROM notes WHERE title = ?",
        omitted: 0,
      },
    ]);
    expect(alerts).toEqual([]);
  });

  test("is an alert as well past the second limit", () => {
    const { log, alerts } = watched({ thresholdMs: 10, alertMs: 50 });
    end(49);
    end(50);
    expect(log.map(({ durationMs }) => durationMs)).toEqual([49, 50]);
    expect(alerts.map(({ durationMs, thresholdMs }) => [durationMs, thresholdMs])).toEqual([[50, 50]]);
  });

  test("is measured by the first rule for its operation and collection", () => {
    const { log } = watched({
      rules: [
        { operation: "find", collection: "reports", thresholdMs: 5_000 },
        { collection: "sessions", thresholdMs: 10 },
        { operation: "find", thresholdMs: 100 },
      ],
    });
    end(4_000, { kind: "find", collection: "reports" });
    end(20, { collection: "sessions" });
    end(200, { kind: "find", collection: "notes" });
    end(200, { collection: "notes" });
    expect(log.map(({ operation, collection }) => [operation, collection])).toEqual([
      ["read", "sessions"],
      ["find", "notes"],
    ]);
  });
});

describe("when all calls are slow", () => {
  test("so many a minute are told of each operation and collection, with the number of those left out", () => {
    const { log, alerts } = watched({ maxPerMinute: 2, thresholdMs: 1, alertMs: 1 });
    for (let index = 0; index < 10; index += 1) end(5);
    end(5, { kind: "find" });
    expect(log.map(({ operation, omitted }) => [operation, omitted])).toEqual([
      ["read", 0],
      ["read", 0],
      ["find", 0],
    ]);
    expect(alerts).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    end(5);
    expect(log.at(-1)).toMatchObject({ operation: "read", omitted: 8 });
    expect(alerts.at(-1)).toMatchObject({ operation: "read", omitted: 9 });
  });

  test("collections without end share one allowance, so that memory stays bounded", () => {
    const { log } = watched({ maxPerMinute: 1, thresholdMs: 1 });
    for (let index = 0; index < 3_000; index += 1) end(5, { collection: `c${index}` });
    expect(log).toHaveLength(1_001);
  });
});

describe("the watch", () => {
  test("goes on when log or alert throws or rejects, and counts that", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    const { watch } = watched({
      thresholdMs: 1,
      alertMs: 1,
      maxAlertsPerMinute: 10,
      log: () => {
        throw new Error("SECRET");
      },
      alert: () => Promise.reject(new Error("SECRET")),
    });
    end(5);
    end(5);
    await Promise.resolve();
    expect(watch.faults).toBe(4);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(JSON.stringify(warn.mock.calls)).not.toContain("SECRET");
  });

  test("ends", () => {
    const { log, watch } = watched();
    {
      using _ = watch;
    }
    watch.stop();
    end(5_000);
    expect(log).toEqual([]);
  });

  test("needs no alert", () => {
    const log = vi.fn();
    using _ = watchSlowCalls({ log, thresholdMs: 20_000 });
    end(20_000);
    expect(log).toHaveBeenCalledTimes(1);
  });
});
