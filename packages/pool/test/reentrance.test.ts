import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { CHANNELS } from "../src/index.ts";
import { FakeDatabase, Ledger } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function listen(channel: string, listener: () => void): void {
  subscribe(channel, listener);
  onTestFinished(() => void unsubscribe(channel, listener));
}

describe("who is told of a timeout and acts at once", () => {
  test("hazard: the line is left twice — giving back serves the next caller, and the pool goes on", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    listen(CHANNELS.timeout, () => {
      if (!held.released) held.release();
    });
    const ledger = new Ledger();
    ledger.watch("late", pool.acquire({ timeoutMs: 20 }));
    const next = pool.acquire({ timeoutMs: 500 });
    await vi.advanceTimersByTimeAsync(30);
    expect(ledger.events).toEqual(["late ACQUIRE_TIMEOUT"]);
    expect(pool.stats()).toMatchObject({ waiting: 0, inUse: 1 });
    (await next).release();
    await pool.close();
  });

  test("closing refuses the others, and leaves nobody in the line", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    listen(CHANNELS.timeout, () => void pool.close());
    const ledger = new Ledger();
    ledger.watch("late", pool.acquire({ timeoutMs: 20 }));
    ledger.watch("other", pool.acquire({ timeoutMs: 500 }));
    await vi.advanceTimersByTimeAsync(30);
    expect(ledger.events).toEqual(["late ACQUIRE_TIMEOUT", "other POOL_CLOSED"]);
    expect(pool.stats().waiting).toBe(0);
    held.release();
    expect(await pool.close()).toEqual({ leaked: [] });
  });
});

describe("who is told of the end of a wait and acts at once", () => {
  test("hazard: one connection goes to two holders — what is on its way to a caller is not to be had", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    (await pool.acquire()).release();
    pool.suspend();
    const waiting = pool.acquire();
    const taken: unknown[] = [];
    listen(CHANNELS.wait, () => void taken.push(pool.tryAcquire()));
    pool.resume();
    (await waiting).release();
    expect(taken).toEqual([undefined]);
    expect(pool.stats()).toMatchObject({ acquired: 2, idle: 1, inUse: 0 });
    await pool.close();
  });

  test("evicting dooms that connection too, and no closed one is ever lent", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    (await pool.acquire()).release();
    pool.suspend();
    const waiting = pool.acquire();
    let evicted = false;
    listen(CHANNELS.wait, () => {
      if (!evicted) pool.evictAll();
      evicted = true;
    });
    pool.resume();
    const lease = await waiting;
    expect(lease.value.closed).toBe(false);
    lease.release();
    expect(lease.released && database.connections[0]?.closed).toBe(true);
    expect(await pool.use(({ id }) => id)).toBe(2);
    await pool.close();
  });
});

test("a listener that brings about the next state has the others told of both in their order", async () => {
  const database = new FakeDatabase();
  database.up = false;
  const pool = database.pool();
  const seen: string[] = [];
  pool.onStateChange(({ name }) => {
    if (name === "failed") void pool.close();
  });
  pool.onStateChange(({ name }, from) => seen.push(`${from.name} → ${name}`));
  const ledger = new Ledger();
  ledger.watch("caller", pool.acquire());
  await vi.advanceTimersByTimeAsync(10);
  expect(ledger.events).toEqual(["caller POOL_CLOSED"]);
  expect(seen).toEqual(["disconnected → connecting", "connecting → failed", "failed → closed"]);
});

describe.each(["close", "suspend"] as const)("%s()", (method) => {
  test("by a listener that is told of the first dial comes before it: nothing is made", async () => {
    const database = new FakeDatabase();
    const pool = database.pool();
    pool.onStateChange(({ name }) => {
      if (name === "connecting") void pool[method]();
    });
    const ledger = new Ledger();
    ledger.watch("caller", pool.acquire({ timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(200);
    expect(ledger.events).toEqual([method === "close" ? "caller POOL_CLOSED" : "caller ACQUIRE_TIMEOUT"]);
    expect(database.attempts).toBe(0);
    await pool.close();
  });

  test("by create itself ends the round: the others are not made", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      min: 4,
      create: (context) => {
        void pool[method]();
        return database.create(context);
      },
    });
    pool.acquire({ timeoutMs: 100 }).catch(() => {});
    await vi.advanceTimersByTimeAsync(200);
    expect(database.attempts).toBe(1);
    await pool.close();
    expect(database.open).toEqual([]);
  });
});
