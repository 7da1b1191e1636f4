import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeadlineEntry, DeadlineTimer } from "../src/deadline.ts";
import { MAX_TIMER_MS } from "../src/options.ts";

class Entry extends DeadlineEntry {
  expiredAt: number | undefined;

  override expire(): void {
    expect([this.expiredAt, this.list]).toEqual([undefined, undefined]);
    this.expiredAt = performance.now();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

type Step = { readonly add: number } | { readonly remove: number } | { readonly waitMs: number };

const durations = fc.oneof(fc.constantFrom(1, 5, 5, 100, 1_000, 30_000), fc.integer({ min: 1, max: 50 }));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    durations.map((add) => ({ add })),
    durations.map((add) => ({ add })),
    fc.nat({ max: 60 }).map((remove) => ({ remove })),
    fc.constantFrom(1, 3, 10, 100, 1_000, 40_000).map((waitMs) => ({ waitMs })),
  ),
  { maxLength: 60 },
);

test("it agrees with one timer for each entry, whatever is added and taken away", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const timer = new DeadlineTimer();
      const entries: Entry[] = [];
      const model: { readonly timeout: NodeJS.Timeout; expiredAt: number | undefined }[] = [];
      for (const step of all) {
        if ("add" in step) {
          const entry = new Entry();
          timer.add(entry, step.add);
          entries.push(entry);
          const timeout = setTimeout(() => {
            own.expiredAt = performance.now();
          }, step.add);
          const own = { timeout, expiredAt: undefined as number | undefined };
          model.push(own);
        } else if ("remove" in step) {
          const [entry, own] = [entries[step.remove], model[step.remove]];
          if (entry === undefined || own === undefined) continue;
          timer.remove(entry);
          clearTimeout(own.timeout);
        } else vi.advanceTimersByTime(step.waitMs);
        expect(entries.map(({ expiredAt }) => expiredAt)).toEqual(model.map(({ expiredAt }) => expiredAt));
      }
      vi.clearAllTimers();
    }),
  );
});

test("one timer serves thousands of entries, of many durations, and is not set again for each of them", () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const timer = new DeadlineTimer();
  const entries = Array.from({ length: 5_000 }, () => new Entry());
  for (const [index, entry] of entries.entries()) timer.add(entry, 30_000 + (index % 100));
  for (const entry of entries) timer.remove(entry);
  expect(set).toHaveBeenCalledTimes(1);
});

test("the longest time that a timer can hold is no longer for what the clock shows beside it", () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  // Beside a part of a millisecond as large a number cannot be kept exactly.
  for (const now of [1.0001, 1.0061, 1.0121]) {
    vi.spyOn(performance, "now").mockReturnValue(now);
    new DeadlineTimer().add(new Entry(), MAX_TIMER_MS);
  }
  expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([MAX_TIMER_MS, MAX_TIMER_MS, MAX_TIMER_MS]);
});

test("a clock that tests replace while entries wait does not leave later ones without a timer", () => {
  const timer = new DeadlineTimer();
  timer.add(new Entry(), 10);
  vi.useRealTimers();
  vi.useFakeTimers();
  const entry = new Entry();
  timer.add(entry, 20);
  vi.advanceTimersByTime(20);
  expect(entry.expiredAt).toBe(performance.now());
});
