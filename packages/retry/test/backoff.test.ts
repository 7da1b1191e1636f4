import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import {
  type BackoffOptions,
  type Delay,
  ExponentialBackoff,
  type ExponentialBackoffOptions,
  exponentialDelay,
  type Jitter,
} from "../src/index.ts";

const MAX_TIMER_MS = 2 ** 31 - 1;
const half = (): number => 0.5;

/** The first delays, each told the one before. */
function delays(delay: Delay, count: number, random: () => number = half): number[] {
  const all: number[] = [];
  for (let attempt = 1; attempt <= count; attempt += 1) all.push(delay(attempt, all.at(-1) ?? 0, random));
  return all;
}

describe("ExponentialBackoff", () => {
  test("starts at 1 s, doubles up to 60 s, and adds up to 1 s to each", () => {
    const backoff = new ExponentialBackoff({ random: () => 0 });
    const plain = Array.from({ length: 8 }, () => backoff.nextDelay());
    expect(plain).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    const most = new ExponentialBackoff({ random: () => 1 });
    expect(Array.from({ length: 8 }, () => most.nextDelay())).toEqual(plain.map((ms) => ms + 1_000));
  });

  test("counts the delays it gave, and starts over after reset", () => {
    const backoff = new ExponentialBackoff({ jitter: "none" });
    expect(backoff.attempt).toBe(0);
    backoff.nextDelay();
    backoff.nextDelay();
    expect(backoff.attempt).toBe(2);
    backoff.reset();
    expect(backoff.attempt).toBe(0);
    expect(backoff.nextDelay()).toBe(1_000);
  });

  test("starts decorrelated jitter over as well", () => {
    const backoff = new ExponentialBackoff({ jitter: "decorrelated", baseMs: 10, random: () => 1 });
    expect([backoff.nextDelay(), backoff.nextDelay(), backoff.nextDelay()]).toEqual([30, 90, 270]);
    backoff.reset();
    expect(backoff.nextDelay()).toBe(30);
  });

  test("takes Math.random as it is at the call, so that tests can replace it", () => {
    const backoff = new ExponentialBackoff({ jitter: "full" });
    const random = vi.spyOn(Math, "random").mockReturnValue(0.25);
    expect(backoff.nextDelay()).toBe(250);
    random.mockRestore();
  });
});

describe("the kinds of jitter", () => {
  const shape = { baseMs: 100, factor: 3, capMs: 1_000 } as const;

  test.each<[Jitter, number[], number[]]>([
    ["none", [100, 300, 900, 1_000], [100, 300, 900, 1_000]],
    ["additive", [100, 300, 900, 1_000], [1_100, 1_300, 1_900, 2_000]],
    ["full", [0, 0, 0, 0], [100, 300, 900, 1_000]],
    ["equal", [50, 150, 450, 500], [100, 300, 900, 1_000]],
    ["decorrelated", [100, 100, 100, 100], [500, 1_000, 1_000, 1_000]],
  ])("%s goes from %o to %o", (jitter, least, most) => {
    const delay = exponentialDelay({ ...shape, jitter });
    expect(delays(delay, 4, () => 0)).toEqual(least);
    expect(delays(delay, 4, () => 1)).toEqual(most);
  });

  test.each<Jitter>(["none", "additive", "full", "equal", "decorrelated"])(
    "hazard: the factor is ignored — %s grows faster with a greater one",
    (jitter) => {
      const third = (factor: number): number =>
        delays(exponentialDelay({ baseMs: 100, factor, capMs: 1_000_000, jitter }), 3).at(-1) ?? 0;
      expect(third(3)).toBeGreaterThan(third(2));
      expect(third(10)).toBeGreaterThan(third(3));
    },
  );

  test.each<Jitter>(["additive", "full", "equal", "decorrelated"])(
    "hazard: jitter dies at the cap — 1,000 callers with %s that reached it do not come back together",
    (jitter) => {
      const delay = exponentialDelay({ ...shape, jitter });
      const atCap = Array.from({ length: 1_000 }, () => delays(delay, 12, Math.random).at(-1) ?? 0);
      const spread = Math.max(...atCap) - Math.min(...atCap);
      expect(new Set(atCap).size).toBeGreaterThan(900);
      expect(spread).toBeGreaterThan(400);
    },
  );

  test("factor 2 gives decorrelated jitter the reach of 3 that its source has", () => {
    const delay = exponentialDelay({ baseMs: 10, jitter: "decorrelated" });
    expect(delays(delay, 3, () => 1)).toEqual([30, 90, 270]);
  });

  test("a delay before that is no delay counts as none", () => {
    const delay = exponentialDelay({ baseMs: 10, jitter: "decorrelated" });
    for (const previous of [Number.NaN, -5, 0]) expect(delay(2, previous, () => 1)).toBe(30);
  });
});

const jitters = fc.constantFrom<Jitter>("none", "additive", "full", "equal", "decorrelated");
const options: fc.Arbitrary<BackoffOptions> = fc
  .record({
    baseMs: fc.oneof(fc.double({ min: 0, max: MAX_TIMER_MS, noNaN: true }), fc.integer({ min: 0, max: 5_000 })),
    factor: fc.oneof(fc.double({ min: 1, max: 1_000_000, noNaN: true }), fc.constantFrom(1, 1.5, 2, 10)),
    more: fc.oneof(fc.double({ min: 0, max: MAX_TIMER_MS, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
    jitter: jitters,
    jitterMs: fc.integer({ min: 0, max: MAX_TIMER_MS }),
  })
  .filter(({ jitter, baseMs, factor, more }) => {
    return jitter !== "decorrelated" || (factor > 1 && baseMs > 0 && more > 1 && baseMs < MAX_TIMER_MS - 1);
  })
  .map(({ more, jitterMs, ...rest }) => ({
    ...rest,
    capMs: rest.baseMs + more,
    ...(rest.jitter === "additive" ? { jitterMs } : {}),
  }));
const attempts = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.constantFrom(10_000, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY),
);
/** Also sources that give what no random source should. */
const drawn = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 1, -1, 2, Number.NaN, Number.POSITIVE_INFINITY),
);

describe("for any options, attempt and random source", () => {
  test("a delay is never below 0, never above the cap and the stated jitter, and a timer can hold it", () => {
    fc.assert(
      fc.property(options, attempts, fc.double(), drawn, (shape, attempt, previousMs, random) => {
        const ms = exponentialDelay(shape)(attempt, previousMs, () => random);
        const { capMs = 0, jitterMs = 0 } = shape;
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(MAX_TIMER_MS);
        expect(ms).toBeLessThanOrEqual((capMs + jitterMs) * (1 + Number.EPSILON));
      }),
      { numRuns: 2_000 },
    );
  });

  test("there is room for the jitter also where the cap is all that a timer can hold", () => {
    const delay = exponentialDelay({ capMs: Number.POSITIVE_INFINITY });
    expect(delay(10_000, 0, () => 0)).toBe(MAX_TIMER_MS - 1_000);
    expect(delay(10_000, 0, () => 1)).toBe(MAX_TIMER_MS);
  });

  test("without jitter no delay is shorter than the one before", () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 2_000 }), ({ jitterMs: _, ...shape }, attempt) => {
        const delay = exponentialDelay({ ...shape, jitter: "none" });
        expect(delay(attempt + 1, 0, half)).toBeGreaterThanOrEqual(delay(attempt, 0, half));
      }),
    );
  });

  test("hazard: NaN and ∞ after many attempts — 10,000 delays in a row are numbers within the bounds", () => {
    for (const jitter of ["none", "additive", "full", "equal", "decorrelated"] as const) {
      const backoff = new ExponentialBackoff({ jitter, factor: 10 });
      for (let count = 0; count < 10_000; count += 1) {
        const ms = backoff.nextDelay();
        if (!(ms >= 0 && ms <= 61_000)) throw new Error(`${jitter}: ${ms} after ${backoff.attempt}`);
      }
      expect(backoff.attempt).toBe(10_000);
    }
  });
});

describe("options", () => {
  test.each<[unknown, string]>([
    [{ baseMs: -1 }, "baseMs: expected a number in 0..2147483647, got -1 (number)"],
    [{ baseMs: Number.NaN }, "got NaN (number)"],
    [{ baseMs: "5" }, "got string"],
    [{ factor: 0.5 }, "factor: expected a number in 1..1000000, got 0.5 (number)"],
    [{ capMs: 500 }, "capMs: expected a number in 1000..Infinity, got 500 (number)"],
    [{ capMs: null, baseMs: 0 }, ""],
    [{ jitter: "some" }, "jitter: expected one of none, additive, full, equal, decorrelated, got string"],
    [{ jitter: "full", jitterMs: 5 }, "jitterMs: expected nothing beside the jitter full, got 5 (number)"],
    [{ jitterMs: -1 }, "jitterMs: expected a number in"],
    [{ jitter: "decorrelated", factor: 1 }, "expected a factor above 1 and capMs above baseMs above 0"],
    [{ jitter: "decorrelated", baseMs: 60_000 }, "expected a factor above 1 and capMs above baseMs above 0"],
    [{ baseMS: 5 }, 'unknown option "baseMS", expected one of baseMs, factor, capMs, jitter, jitterMs'],
    [{ random: 5 }, "random: expected a function, got 5 (number)"],
    [null, "ExponentialBackoff: expected an object of options, got null"],
    [[], ""],
  ])("%o are refused or taken: %s", (given, message) => {
    const make = (): ExponentialBackoff => new ExponentialBackoff(given as ExponentialBackoffOptions);
    if (message === "") expect(make).not.toThrow();
    else expect(make).toThrow(message);
  });

  test("a base of 0 never waits", () => {
    expect(delays(exponentialDelay({ baseMs: 0, jitter: "equal" }), 5, () => 1)).toEqual([0, 0, 0, 0, 0]);
  });
});
