import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Stopwatch, type StopwatchOptions } from "../src/index.ts";

describe("Stopwatch", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("counts up from its construction and down from its limit", () => {
    const stopwatch = new Stopwatch({ limitMs: 1_000 });
    vi.advanceTimersByTime(400);
    expect(stopwatch.elapsedMs()).toBe(400);
    expect(stopwatch.remainingMs()).toBe(600);
  });

  test("nothing remains after the limit, and never less than nothing", () => {
    const stopwatch = new Stopwatch();
    vi.advanceTimersByTime(30_001);
    expect(stopwatch.remainingMs()).toBe(0);
  });

  test.each<[unknown, string]>([
    [{ limitMs: -1 }, "expected limitMs to be a finite number of 0 or more, got -1 (number)"],
    [{ limitMs: Number.NaN }, "got NaN (number)"],
    [{ limitMs: "5" }, "got 5 (string)"],
    [{ limitMS: 5 }, "expected the option limitMs, got limitMS"],
  ])("the options %o are refused", (options, message) => {
    expect(() => new Stopwatch(options as StopwatchOptions)).toThrow(message);
  });
});
