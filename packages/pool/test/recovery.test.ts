import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PoolOptions } from "../src/index.ts";
import { type Connection, FakeDatabase, Ledger } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A pool of which chosen attempts hang until their timeout, by their number from 1. */
function poolWithHanging(database: FakeDatabase, hangs: (attempt: number) => boolean, options: object = {}) {
  let attempt = 0;
  const create: PoolOptions<Connection>["create"] = (context) => {
    attempt += 1;
    return hangs(attempt) ? new Promise(() => {}) : database.create(context);
  };
  return database.pool({ max: 10, createConcurrency: 4, ...options, create });
}

describe("attempts that hang from before a recovery", () => {
  test("keep nobody waiting: what is wanted is made beside them", async () => {
    const database = new FakeDatabase();
    database.up = false;
    database.connectMs = 1;
    // Of the first burst one fails and three hang; the prober finds the database up again.
    const pool = poolWithHanging(database, (attempt) => attempt > 1 && attempt <= 4);
    const ledger = new Ledger();
    for (let caller = 0; caller < 4; caller += 1) ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(5);
    database.up = true;
    await vi.advanceTimersByTimeAsync(500);
    expect(ledger.events).toHaveLength(4);
    await pool.close({ deadlineMs: 0 });
  });

  test("are no news of another outage when their time is up", async () => {
    const database = new FakeDatabase();
    database.up = false;
    database.connectMs = 1;
    const pool = poolWithHanging(database, (attempt) => attempt > 1 && attempt <= 4, { createTimeoutMs: 1_000 });
    const all = Promise.all(Array.from({ length: 4 }, () => pool.acquire()));
    await vi.advanceTimersByTimeAsync(5);
    database.up = true;
    await vi.advanceTimersByTimeAsync(500);
    for (const lease of await all) lease.release();
    const before = database.attempts;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(pool.stats()).toMatchObject({ createFailures: 4 });
    // No prober was sent for them.
    expect(database.attempts).toBe(before);
    await pool.close();
  });
});

test("resume() dials at once, whatever pause the outage before it had come to", async () => {
  const database = new FakeDatabase();
  database.up = false;
  const pool = database.pool();
  const ledger = new Ledger();
  ledger.watch("served", pool.acquire({ timeoutMs: 120_000 }));
  await vi.advanceTimersByTimeAsync(60_000);
  while (pool.state.name === "failed" && pool.state.nextAttemptAt - performance.now() < 1_000)
    await vi.advanceTimersByTimeAsync(100);
  pool.suspend();
  database.up = true;
  pool.resume();
  await vi.advanceTimersByTimeAsync(10);
  expect(ledger.events).toEqual(["served"]);
  await pool.close({ deadlineMs: 0 });
});

test("a lease that hangs is no sign of life once others broke: the state is failed", async () => {
  const database = new FakeDatabase();
  const pool = database.pool({ max: 2, validate: database.validate, classify: () => "broken" });
  const [, other] = await Promise.all([pool.acquire(), pool.acquire()]);
  await vi.advanceTimersByTimeAsync(5_000);
  database.up = false;
  other.release(new Error("ECONNRESET"));
  const ledger = new Ledger();
  ledger.watch("leaves", pool.acquire({ whenAway: "fail" }));
  await vi.advanceTimersByTimeAsync(10);
  expect(pool.state.name).toBe("failed");
  expect(ledger.events).toEqual(["leaves POOL_UNAVAILABLE"]);
  await pool.close({ deadlineMs: 0 });
});

test("after a relapse the pool grows with the first connection that proves itself, not before", async () => {
  const database = new FakeDatabase();
  database.connectMs = 1;
  let doomed = true;
  const pool = database.pool({
    max: 4,
    create: async (context) => {
      const connection = await database.create(context);
      if (doomed) setTimeout(() => connection.die(new Error("closed")), 2);
      return connection;
    },
  });
  const warm = pool.start();
  await vi.advanceTimersByTimeAsync(200);
  await warm;
  // It has died several times by now; from here on connections live.
  doomed = false;
  await vi.advanceTimersByTimeAsync(1);
  for (let ms = 0; ms < 1_000 && pool.stats().size === 0; ms += 1) await vi.advanceTimersByTimeAsync(1);
  const first = pool.acquire();
  const ledger = new Ledger();
  ledger.watch("second", pool.acquire());
  await vi.advanceTimersByTimeAsync(5);
  const lease = await first;
  expect(ledger.events).toEqual([]);
  lease.release();
  await vi.advanceTimersByTimeAsync(1);
  expect(ledger.events).toEqual(["second"]);
  const third = new Ledger();
  third.watch("third", pool.acquire());
  await vi.advanceTimersByTimeAsync(5);
  expect(third.events).toEqual(["third"]);
  await pool.close({ deadlineMs: 0 });
});

describe("whoever is told of a connection may do away with it at once", () => {
  test.each<[string, (pool: ReturnType<FakeDatabase["pool"]>, database: FakeDatabase) => void]>([
    ["evict it", (pool) => pool.evictAll()],
    ["report its loss", (_, database) => database.connections[0]?.die(new Error("closed"))],
  ])("a listener to states may %s: it is closed, and the next one serves", async (_, act) => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    let acted = false;
    pool.onStateChange(({ name }) => {
      if (name !== "connected" || acted) return;
      acted = true;
      act(pool, database);
    });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(100);
    expect((await acquired).value.id).toBe(2);
    expect(pool.stats()).toMatchObject({ size: 1, inUse: 1, idle: 0, checking: 0 });
    await pool.close({ deadlineMs: 0 });
  });
});
