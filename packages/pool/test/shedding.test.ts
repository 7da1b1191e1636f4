import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeDatabase, Ledger } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Tally {
  useful: number;
  late: number;
  refused: number;
}

const MAX = 10;
const SERVICE_MS = 20;
const PATIENCE_MS = 1_000;
/** What ten connections can do. */
const PER_MS = MAX / SERVICE_MS;

/** Load for some seconds, relative to what the pool can carry; a caller gives up a second after it came. */
async function load(shed: object | undefined, factor: number, seconds: number): Promise<Tally> {
  const pool = new FakeDatabase().pool({
    max: MAX,
    acquireTimeoutMs: PATIENCE_MS,
    ...(shed === undefined ? {} : { shed }),
  });
  const tally: Tally = { useful: 0, late: 0, refused: 0 };
  const one = async (): Promise<void> => {
    const came = performance.now();
    try {
      await pool.use(() => new Promise((resolve) => setTimeout(resolve, SERVICE_MS)));
      if (performance.now() - came <= PATIENCE_MS) tally.useful += 1;
      else tally.late += 1;
    } catch (error) {
      expect(error).toMatchObject({ retryable: true });
      tally.refused += 1;
    }
  };
  const all: Promise<void>[] = [];
  const start = performance.now();
  let sent = 0;
  for (let ms = 0; ms < seconds * 1_000; ms += 10) {
    for (; sent < (performance.now() - start) * PER_MS * factor; sent += 1) all.push(one());
    await vi.advanceTimersByTimeAsync(10);
  }
  await vi.advanceTimersByTimeAsync(2_000);
  await Promise.all(all);
  return tally;
}

describe("at twice the load that the pool can carry", () => {
  test("with shed at least nine tenths of the capacity go into work that somebody still wants", async () => {
    const { useful, refused } = await load({}, 2, 8);
    expect(useful).toBeGreaterThanOrEqual(0.9 * 8 * 1_000 * PER_MS);
    expect(refused).toBeGreaterThan(0);
  });

  test("without shed a plain line serves nearly everybody too late", async () => {
    const { useful } = await load(undefined, 2, 8);
    expect(useful).toBeLessThan(0.5 * 8 * 1_000 * PER_MS);
  });
});

test("with shed nobody is refused while the load can be carried", async () => {
  expect(await load({ targetMs: 50, intervalMs: 1_000 }, 0.9, 4)).toMatchObject({ refused: 0, late: 0 });
});

test("a burst that passes is what a line is for: nobody is refused", async () => {
  const pool = new FakeDatabase().pool({ max: 1, shed: {} });
  const work = (): Promise<void> => pool.use(() => new Promise((resolve) => setTimeout(resolve, 10)));
  const all = Promise.all(Array.from({ length: 90 }, work));
  await vi.advanceTimersByTimeAsync(1_000);
  await all;
  expect(pool.stats()).toMatchObject({ shed: 0 });
});

test.each<[string, object]>([
  ["comes straight from its holder", {}],
  ["was reset", { reset: () => {} }],
])("short waits are no overload when between them the connection, which %s, is wanted by nobody", async (_, hooks) => {
  const pool = new FakeDatabase().pool({ max: 1, shed: { targetMs: 5, intervalMs: 100 }, ...hooks });
  for (let turn = 0; turn < 5; turn += 1) {
    const held = await pool.acquire();
    const next = pool.acquire();
    await vi.advanceTimersByTimeAsync(20);
    held.release();
    (await next).release();
    for (let idle = 0; idle < 4; idle += 1) {
      await pool.use(() => {});
      await vi.advanceTimersByTimeAsync(20);
    }
  }
  expect(pool.stats()).toMatchObject({ shed: 0 });
  await pool.close();
});

test("those who are refused have waited longest, and are told why at once", async () => {
  const pool = new FakeDatabase().pool({ max: 1, shed: { targetMs: 10, intervalMs: 100 } });
  const errors: unknown[] = [];
  for (let turn = 0; turn < 60; turn += 1) {
    for (let count = 0; count < 2; count += 1)
      pool.use(() => new Promise((resolve) => setTimeout(resolve, 10))).catch((error: unknown) => errors.push(error));
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(errors[0]).toMatchObject({ code: "POOL_FULL", retryable: true, facts: { phase: "release" } });
  expect((errors[0] as Error).message).toMatch(/^pool: overloaded, refused after \d+ ms, waiting for/);
  await pool.close({ deadlineMs: 0 });
});

test.each<[string, object]>([
  ["comes straight from its holder", {}],
  ["is being reset", { reset: async () => {} }],
])(
  "when the line of an overload is refused as a whole, a connection that %s goes idle and serves who comes next",
  async (_, hooks) => {
    const pool = new FakeDatabase().pool({ max: 1, shed: { targetMs: 10, intervalMs: 100 }, ...hooks });
    const held = await pool.acquire();
    const ledger = new Ledger();
    ledger.watch("first", pool.acquire());
    await vi.advanceTimersByTimeAsync(110);
    ledger.watch("second", pool.acquire());
    await vi.advanceTimersByTimeAsync(105);
    held.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["first POOL_FULL", "second POOL_FULL"]);
    expect(pool.stats()).toMatchObject({ waiting: 0, inUse: 0, checking: 0, idle: 1, shed: 2 });
    const lease = pool.tryAcquire();
    expect(lease?.value.id).toBe(1);
    lease?.release();
    await pool.close();
  },
);

test("an outage is no overload: nobody is refused for having waited through it", async () => {
  const database = new FakeDatabase();
  database.up = false;
  const pool = database.pool({ max: 2, shed: {} });
  const all = Promise.all(Array.from({ length: 50 }, () => pool.use(() => {}, { timeoutMs: 10_000 })));
  await vi.advanceTimersByTimeAsync(5_000);
  database.up = true;
  await vi.advanceTimersByTimeAsync(3_000);
  await all;
  expect(pool.stats()).toMatchObject({ shed: 0, refused: 0 });
});
