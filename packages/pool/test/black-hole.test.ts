import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeDatabase, Ledger } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A pool with so many idle connections behind which nobody answers any more, while new ones can be made. */
async function swallowed(idle: number, options: Parameters<FakeDatabase["pool"]>[0]) {
  const database = new FakeDatabase();
  const answers: (() => void)[] = [];
  const pool = database.pool({
    createConcurrency: 100,
    validate: ({ dead }) => (dead ? new Promise<boolean>((resolve) => answers.push(() => resolve(true))) : true),
    ...options,
  });
  const leases = await Promise.all(Array.from({ length: idle }, () => pool.acquire()));
  for (const lease of leases) {
    lease.value.dead = true;
    lease.release();
  }
  await vi.advanceTimersByTimeAsync(2_000);
  return { database, pool, answers };
}

describe("idle connections in a black hole", () => {
  test("a caller is served by a new connection while a check hangs, not after as many timeouts as there are", async () => {
    const { pool } = await swallowed(10, { max: 20 });
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(260);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });

  test("each of several callers gets a new connection of its own", async () => {
    const { pool } = await swallowed(5, { max: 20 });
    const ledger = new Ledger();
    for (let caller = 0; caller < 8; caller += 1) ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(260);
    expect(ledger.events).toHaveLength(8);
    await pool.close({ deadlineMs: 0 });
  });

  test("at max a caller is served after one validateTimeoutMs, since nobody counts on the rest", async () => {
    const { pool } = await swallowed(10, { max: 10 });
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(5_010);
    expect(ledger.events).toEqual(["served"]);
    // All others were in doubt at once, and are gone after their own time.
    await vi.advanceTimersByTimeAsync(5_010);
    expect(pool.stats()).toMatchObject({ checking: 0, inUse: 1, closed: { validation: 10 } });
    await pool.close({ deadlineMs: 0 });
  });

  test("one that answers beside those that hang serves the caller", async () => {
    const { database, pool } = await swallowed(10, { max: 10 });
    const [first] = database.connections;
    if (first !== undefined) first.dead = false;
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    // The last in turn: each that hangs costs a quarter of a second.
    await vi.advanceTimersByTimeAsync(9 * 260);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });

  test("a check that answers late is as good as any: the connection serves, and nothing is closed", async () => {
    const { pool, answers } = await swallowed(1, { max: 1 });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(pool.stats()).toMatchObject({ checking: 1, creating: 0, waiting: 1 });
    for (const answer of answers) answer();
    (await acquired).release();
    expect(pool.stats()).toMatchObject({ size: 1, checking: 0, created: 1 });
    await pool.close();
  });

  test("checks that answer in time open no connection too many", async () => {
    const database = new FakeDatabase();
    const validate = (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(true), 100));
    const pool = database.pool({ max: 20, validate });
    for (const lease of await Promise.all([pool.acquire(), pool.acquire()])) lease.release();
    await vi.advanceTimersByTimeAsync(2_000);
    const leases = Promise.all([pool.acquire(), pool.acquire()]);
    await vi.advanceTimersByTimeAsync(200);
    for (const lease of await leases) lease.release();
    expect(database.attempts).toBe(2);
    await pool.close();
  });

  test("a reset that hangs keeps no caller waiting either", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, reset: ({ id }) => (id === 1 ? new Promise(() => {}) : undefined) });
    (await pool.acquire()).release();
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(260);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });
});

describe("t21-capacity", () => {
  test("a connection that dies while its check hangs frees its place at once", async () => {
    const { database, pool } = await swallowed(1, { max: 1 });
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(10);
    database.connections[0]?.die(new Error("ECONNRESET"));
    await vi.advanceTimersByTimeAsync(10);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });

  test("evictAll does not wait for a check that hangs", async () => {
    const { pool } = await swallowed(1, { max: 1 });
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(10);
    pool.evictAll();
    await vi.advanceTimersByTimeAsync(10);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });

  test("a connection that is closed for want of an answer makes room for the waiter at once", async () => {
    const { pool } = await swallowed(1, { max: 1, validateTimeoutMs: 100 });
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(110);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });
});
