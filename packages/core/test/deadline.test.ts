import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineEntry, DeadlineTimer } from "../src/deadline.ts";

class Entry extends DeadlineEntry {
  expiredAt: number | undefined;
  readonly #then: (() => void) | undefined;

  constructor(then?: () => void) {
    super();
    this.#then = then;
  }

  override expire(): void {
    expect(this.expiredAt).toBeUndefined();
    expect(this.list).toBeUndefined();
    this.expiredAt = performance.now();
    this.#then?.();
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
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
      const model: { timeout: NodeJS.Timeout; expiredAt: number | undefined; gone: boolean }[] = [];
      for (const step of all) {
        if ("add" in step) {
          const entry = new Entry();
          entries.push(entry);
          timer.add(entry, step.add);
          const own = { expiredAt: undefined as number | undefined, gone: false };
          const timeout = setTimeout(() => {
            own.expiredAt = performance.now();
            own.gone = true;
          }, step.add);
          model.push(Object.assign(own, { timeout }));
        } else if ("remove" in step) {
          const [entry, own] = [entries[step.remove], model[step.remove]];
          if (entry === undefined || own === undefined) continue;
          timer.remove(entry);
          clearTimeout(own.timeout);
          own.gone = true;
        } else vi.advanceTimersByTime(step.waitMs);
        expect(entries.map((entry) => entry.expiredAt)).toEqual(model.map((own) => own.expiredAt));
        expect(timer.entries()).toHaveLength(model.filter((own) => !own.gone).length);
      }
      vi.clearAllTimers();
    }),
  );
});

describe("one timer", () => {
  test("serves thousands of entries, and is not set again for each of them", () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const timer = new DeadlineTimer();
    const entries = Array.from({ length: 5_000 }, () => new Entry());
    for (const entry of entries) timer.add(entry, 30_000);
    for (const entry of entries) timer.remove(entry);
    for (const entry of entries) timer.add(entry, 30_000);
    expect(set).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(29_999);
    expect(entries.some((entry) => entry.expiredAt !== undefined)).toBe(false);
    vi.advanceTimersByTime(1);
    expect(entries.every((entry) => entry.expiredAt !== undefined)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is set anew for one that is due before all others", () => {
    const timer = new DeadlineTimer();
    const [late, soon] = [new Entry(), new Entry()];
    timer.add(late, 30_000);
    timer.add(soon, 10);
    vi.advanceTimersByTime(10);
    expect([late.expiredAt !== undefined, soon.expiredAt !== undefined]).toEqual([false, true]);
    vi.advanceTimersByTime(29_990);
    expect(late.expiredAt).toBeDefined();
  });

  test("keeps the process alive only while something waits", () => {
    let timeout: NodeJS.Timeout | undefined;
    const real = globalThis.setTimeout;
    const set = vi.spyOn(globalThis, "setTimeout").mockImplementation(((...given: Parameters<typeof real>) => {
      timeout = real(...given);
      return timeout;
    }) as never);
    const timer = new DeadlineTimer();
    const [one, other] = [new Entry(), new Entry()];
    timer.add(one, 1_000);
    expect(timeout?.hasRef()).toBe(true);
    timer.remove(one);
    expect(timeout?.hasRef()).toBe(false);
    timer.add(other, 1_000);
    expect(timeout?.hasRef()).toBe(true);
    timer.remove(other);
    timer.remove(other);
    expect(timeout?.hasRef()).toBe(false);
    set.mockRestore();
  });

  test("an entry added while another expires waits its own time, also in the same list", () => {
    const timer = new DeadlineTimer();
    const [second, third] = [new Entry(), new Entry()];
    const first = new Entry(() => {
      timer.add(second, 100);
      timer.add(third, 10);
    });
    timer.add(first, 100);
    vi.advanceTimersByTime(100);
    expect(second.expiredAt).toBeUndefined();
    vi.advanceTimersByTime(10);
    expect(third.expiredAt).toBeDefined();
    vi.advanceTimersByTime(90);
    expect(second.expiredAt).toBeDefined();
  });

  test("an entry that another takes away while it expires does not expire", () => {
    const timer = new DeadlineTimer();
    const second = new Entry();
    timer.add(new Entry(() => timer.remove(second)), 100);
    timer.add(second, 100);
    vi.advanceTimersByTime(1_000);
    expect(second.expiredAt).toBeUndefined();
    expect(timer.entries()).toEqual([]);
  });

  test("lists of durations that come once do not pile up", () => {
    const timer = new DeadlineTimer();
    const deleted = vi.spyOn(Map.prototype, "delete");
    for (let duration = 1; duration <= 1_000; duration += 1) {
      const entry = new Entry();
      timer.add(entry, duration + 0.5);
      timer.remove(entry);
    }
    expect(deleted.mock.calls.length).toBeGreaterThan(950);
    deleted.mockRestore();
  });
});

describe("when tests replace the clock", () => {
  test("an entry of the fake clock is not lost behind a real timer, nor the other way round", async () => {
    vi.useRealTimers();
    const timer = new DeadlineTimer();
    const before = new Entry();
    timer.add(before, 20);
    timer.remove(before);

    vi.useFakeTimers();
    const fake = new Entry();
    timer.add(fake, 30_000);
    vi.advanceTimersByTime(30_000);
    expect(fake.expiredAt).toBeDefined();

    const pending = new Entry();
    timer.add(pending, 5_000);
    timer.remove(pending);
    vi.useRealTimers();
    const expired = new Promise<void>((resolve) => {
      timer.add(new Entry(resolve), 10);
    });
    await expired;

    vi.useFakeTimers();
    const again = new Entry();
    timer.add(again, 10);
    vi.advanceTimersByTime(10);
    expect(again.expiredAt).toBeDefined();
  });

  test("a fake timer that never fired does not hold up a real deadline", async () => {
    const timer = new DeadlineTimer();
    const fake = new Entry();
    vi.useRealTimers();
    const now = performance.now();
    vi.useFakeTimers();
    // The fake clock as late as the real one: by its time alone nobody can tell that the timer is lost.
    vi.advanceTimersByTime(now - performance.now());
    timer.add(fake, 3);
    timer.remove(fake);
    vi.useRealTimers();
    const real = new Promise<void>((resolve) => {
      timer.add(new Entry(resolve), 20);
    });
    await real;
    expect(timer.entries()).toEqual([]);
  });
});
