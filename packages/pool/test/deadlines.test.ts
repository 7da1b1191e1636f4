import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadline, Deadlines } from "../src/deadlines.ts";
import { MAX_TIMER_MS } from "../src/options.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

class Entry extends Deadline {
  expiredAt: number | undefined;

  override expire(now: number): void {
    this.expiredAt = now;
  }
}

test("deadlines of weeks that are met leave no memory behind, and disturb none that stay", async () => {
  const grown = vi.spyOn(Map.prototype, "set");
  const shrunk = vi.spyOn(Map.prototype, "delete");
  const deadlines = new Deadlines(false);
  const stays: Entry[] = [];
  for (let ms = 0; ms < 20_000; ms += 1) {
    const entry = new Entry();
    deadlines.add(entry, 1_000_000_000 + ms, 0);
    if (ms % 1_000 === 0) stays.push(entry);
    else deadlines.remove(entry);
  }
  expect(grown.mock.calls.length - shrunk.mock.calls.length).toBeLessThan(200);
  vi.restoreAllMocks();
  await vi.advanceTimersByTimeAsync(1_000_010_000);
  expect(stays.map(({ expiredAt }) => expiredAt !== undefined)).toEqual(stays.map((_, index) => index <= 10));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(stays.every(({ expiredAt }) => expiredAt !== undefined)).toBe(true);
});

test("the longest time that a timer can hold is no longer for being counted in whole milliseconds", async () => {
  const timeout = vi.spyOn(globalThis, "setTimeout");
  const deadlines = new Deadlines(false);
  const entry = new Entry();
  deadlines.add(entry, 0.5 + MAX_TIMER_MS, 0.5);
  expect(timeout).toHaveBeenCalledExactlyOnceWith(expect.any(Function), MAX_TIMER_MS);
  timeout.mockRestore();
  await vi.advanceTimersByTimeAsync(MAX_TIMER_MS - 1);
  expect(entry.expiredAt).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10);
  expect(entry.expiredAt).toBeDefined();
});

test("entries that go and come while others expire meet their own time", async () => {
  const deadlines = new Deadlines(false);
  const others = Array.from({ length: 500 }, () => new Entry());
  const later = new Entry();
  class Sweeper extends Deadline {
    override expire(now: number): void {
      for (const other of others) deadlines.remove(other);
      deadlines.add(later, now + 50, now);
    }
  }
  for (const [index, other] of others.entries()) deadlines.add(other, 200 + index, 0);
  deadlines.add(new Sweeper(), 100, 0);
  await vi.advanceTimersByTimeAsync(149);
  expect(later.expiredAt).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10);
  expect(later.expiredAt).toBeGreaterThanOrEqual(150);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(others.every(({ expiredAt }) => expiredAt === undefined)).toBe(true);
  const next = new Entry();
  deadlines.add(next, performance.now() + 5, performance.now());
  await vi.advanceTimersByTimeAsync(7);
  expect(next.expiredAt).toBeDefined();
});
