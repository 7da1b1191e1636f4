import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CHANNELS, type CreateContext } from "../src/index.ts";
import { type Connection, FakeDatabase, Ledger, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("t03-create-after-close", () => {
  test("nothing is created after close, though somebody waited, and a create under way is told by its signal", async () => {
    const database = new FakeDatabase();
    const signals: AbortSignal[] = [];
    const create = (context: CreateContext): Promise<Connection> => {
      signals.push(context.signal);
      return database.create(context);
    };
    database.connectMs = 100;
    const pool = database.pool({ max: 2, min: 2, create });
    const waiting = rejection(pool.acquire());
    const closed = pool.close();
    expect(await waiting).toMatchObject({ code: "POOL_CLOSED", retryable: false });
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    await closed;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(database.attempts).toBe(2);
  });

  test("what a create under way at close still makes is destroyed", async () => {
    const database = new FakeDatabase();
    database.connectMs = 100;
    const pool = database.pool({ max: 1 });
    rejection(pool.acquire()).catch(() => {});
    await vi.advanceTimersByTimeAsync(50);
    await pool.close();
    await vi.advanceTimersByTimeAsync(100);
    expect(database.connections).toHaveLength(1);
    expect(database.open).toEqual([]);
    expect(pool.stats()).toMatchObject({ size: 0, creating: 0, destroying: 0 });
  });

  test("a create that fails after close is no news to anybody", async () => {
    const database = new FakeDatabase();
    database.connectMs = 100;
    database.up = false;
    const pool = database.pool();
    rejection(pool.acquire()).catch(() => {});
    await pool.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(database.attempts).toBe(1);
    expect(pool.state).toEqual({ name: "closed" });
  });
});

describe("t04-acquire-after-close", () => {
  test("an acquire after close rejects at once, and the pool stays closed", async () => {
    const database = new FakeDatabase();
    const pool = database.pool();
    await pool.use(() => {});
    await pool.close();
    expect(await rejection(pool.acquire())).toMatchObject({ code: "POOL_CLOSED" });
    expect(pool.tryAcquire()).toBeUndefined();
    expect(await rejection(pool.use(() => {}))).toMatchObject({ code: "POOL_CLOSED" });
    pool.resume();
    pool.resize({ min: 2 });
    pool.evictAll();
    expect(pool.stats()).toMatchObject({ size: 0, creating: 0, state: "closed" });
    expect(database.attempts).toBe(1);
  });
});

describe("t13-close-with-leaks", () => {
  test("close rejects all who wait at once, and settles at its deadline with the leaked leases by label and age", async () => {
    const database = new FakeDatabase();
    const leaks: unknown[] = [];
    const note = (event: unknown): void => {
      leaks.push(event);
    };
    subscribe(CHANNELS.leak, note);
    const pool = database.pool({ max: 2, name: "orders" });
    const leaked = await pool.acquire({ label: "forgotten" });
    await vi.advanceTimersByTimeAsync(1_000);
    const honest = await pool.acquire();
    const ledger = new Ledger();
    for (const name of ["a", "b"]) ledger.watch(name, pool.acquire());
    const closed = pool.close({ deadlineMs: 500 });
    expect(pool.close()).toBe(closed);
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["a POOL_CLOSED", "b POOL_CLOSED"]);
    honest.release();
    await vi.advanceTimersByTimeAsync(500);
    const report = await closed;
    expect(report.leaked).toMatchObject([{ label: "forgotten" }]);
    expect(report.leaked[0]?.ageMs).toBeGreaterThanOrEqual(1_500);
    expect(leaks).toMatchObject([{ pool: "orders", label: "forgotten" }]);
    expect(database.open).toEqual([]);
    expect(leaked.value.closed).toBe(true);
    leaked.release();
    unsubscribe(CHANNELS.leak, note);
  });

  test("close settles as soon as the last lease is back and its connection is closed", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ destroy: async (connection) => database.destroy(connection) });
    const lease = await pool.acquire();
    const ledger = new Ledger();
    ledger.watch("closed", pool.close());
    await vi.advanceTimersByTimeAsync(100);
    expect(ledger.events).toEqual([]);
    lease.release();
    await vi.advanceTimersByTimeAsync(0);
    expect(ledger.events).toEqual(["closed"]);
    expect(database.open).toEqual([]);
  });

  test("close does not wait for a connection that is being validated or reset, and closes it once", async () => {
    const database = new FakeDatabase();
    const reset = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_000));
    const pool = database.pool({ reset });
    await pool.use(() => {});
    expect(pool.stats()).toMatchObject({ checking: 1 });
    expect(await pool.close()).toEqual({ leaked: [] });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(database.open).toEqual([]);
  });

  test("a listener to states may call close() too", async () => {
    const pool = new FakeDatabase().pool();
    let inner: Promise<unknown> | undefined;
    pool.onStateChange(({ name }) => {
      if (name === "closed") inner = pool.close();
    });
    const outer = pool.close();
    expect(inner).toBe(outer);
    await outer;
  });

  test("a wrong deadline is told", () => {
    const pool = new FakeDatabase().pool();
    expect(() => pool.close({ deadlineMs: -1 })).toThrow(
      "deadlineMs: expected a number of milliseconds in 0..2147483647",
    );
    expect(() => pool.drain({ deadline: 5 } as never)).toThrow('drain: unknown option "deadline"');
  });
});

describe("drain", () => {
  test("serves those in line, takes nobody new, and resolves when all leases are back", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    const ledger = new Ledger();
    const drained = pool.drain();
    ledger.watch("drained", drained);
    expect(pool.drain()).toBe(drained);
    expect(await rejection(pool.acquire())).toMatchObject({ code: "POOL_CLOSED" });
    held.release();
    const last = await waiting;
    expect(ledger.events).toEqual([]);
    last.release();
    expect(await drained).toEqual({ leaked: [] });
    expect(pool.stats()).toMatchObject({ idle: 1, state: "connected" });
    await pool.close();
  });

  test("resolves when resume() sheds the last who wait", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1, shed: { targetMs: 10, intervalMs: 100 } });
    const held = await pool.acquire();
    const ledger = new Ledger();
    ledger.watch("first", pool.acquire());
    await vi.advanceTimersByTimeAsync(110);
    ledger.watch("second", pool.acquire());
    await vi.advanceTimersByTimeAsync(50);
    pool.suspend();
    held.release();
    ledger.watch("drained", pool.drain({ deadlineMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(60);
    // An overload: even the shortest wait of the last interval was above the target.
    pool.resume();
    await vi.advanceTimersByTimeAsync(0);
    expect(ledger.events).toEqual(["first POOL_FULL", "second POOL_FULL", "drained"]);
    expect(pool.stats()).toMatchObject({ idle: 1, waiting: 0 });
    await pool.close();
  });

  test("names what is still out at its deadline and leaves it alone", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    const held = await pool.acquire({ label: "slow" });
    const late = rejection(pool.acquire({ timeoutMs: 50 }));
    const drained = pool.drain({ deadlineMs: 100 });
    await vi.advanceTimersByTimeAsync(110);
    expect(await late).toMatchObject({ code: "ACQUIRE_TIMEOUT" });
    expect(await drained).toMatchObject({ leaked: [{ label: "slow" }] });
    expect(database.open).toHaveLength(1);
    held.release();
    await pool.close();
  });

  test("close ends a drain", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    await pool.acquire();
    const drained = pool.drain({ deadlineMs: 60_000 });
    const closed = pool.close({ deadlineMs: 100 });
    await vi.advanceTimersByTimeAsync(110);
    await closed;
    expect(await drained).toEqual({ leaked: [] });
  });
});
