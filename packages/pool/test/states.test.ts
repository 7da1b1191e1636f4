import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConnectionPool, PoolState } from "../src/index.ts";
import { type Connection, FakeDatabase, Ledger, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function statesOf(pool: ConnectionPool<Connection>): PoolState[] {
  const seen: PoolState[] = [];
  pool.onStateChange((state) => seen.push(state));
  return seen;
}

describe("the state", () => {
  test("goes from disconnected over failed to connected and ends closed, with every transition told", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ max: 1 });
    const seen = statesOf(pool);
    expect(pool.state).toEqual({ name: "disconnected" });
    const used = pool.use(() => {});
    await vi.advanceTimersByTimeAsync(200);
    const failed = seen.filter((state) => state.name === "failed");
    expect(failed.length).toBeGreaterThan(1);
    const [first, second] = failed;
    expect(second?.since).toBe(first?.since);
    expect(second?.unavailableAt).toBe((first?.since ?? 0) + 30_000);
    expect(first?.nextAttemptAt).toBeGreaterThan(first?.since ?? 0);
    expect(first).toMatchObject({ error: database.refusal, permanent: false });
    database.up = true;
    await vi.advanceTimersByTimeAsync(300);
    await used;
    await pool.close();
    const names = seen.map(({ name }) => name).filter((name, index, all) => name !== all[index - 1]);
    expect(names).toEqual(["connecting", "failed", "connected", "closed"]);
  });

  test("fails from now on where its first connection is lost within a second", async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    const lease = await pool.acquire();
    await vi.advanceTimersByTimeAsync(300);
    database.up = false;
    const failedAt = performance.now();
    lease.destroy();
    const waiting = pool.acquire();
    await vi.advanceTimersByTimeAsync(100);
    expect(pool.state).toMatchObject({ name: "failed" });
    if (pool.state.name === "failed") expect(pool.state.since).toBeGreaterThanOrEqual(failedAt);
    database.up = true;
    (await Promise.all([waiting, vi.advanceTimersByTimeAsync(500)]))[0].release();
    await pool.close();
  });

  test("does not fail for a create that fails beside connections that live: it is a matter of growth", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2 });
    const held = await pool.acquire();
    database.up = false;
    const waiting = pool.acquire();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(pool.state.name).toBe("connected");
    held.release();
    (await waiting).destroy();
    expect(pool.state.name).toBe("failed");
    await pool.close();
  });

  test("fails when those that are left showed no life of late, and comes back when one of them answers", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, validate: database.validate, leakWarnMs: 4_000 });
    const held = await pool.acquire();
    await vi.advanceTimersByTimeAsync(5_000);
    const create = vi.spyOn(database, "refusal", "get").mockReturnValue(new Error("too many connections"));
    database.up = false;
    const waiting = pool.acquire({ timeoutMs: 20_000 });
    await vi.advanceTimersByTimeAsync(100);
    expect(pool.state.name).toBe("failed");
    create.mockRestore();
    // The server refuses new connections and answers on the old one.
    database.up = true;
    database.connectMs = 60_000;
    held.release(new Error("a duplicate key"));
    await vi.advanceTimersByTimeAsync(1);
    database.connectMs = 0;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(pool.state.name).toBe("connected");
    (await waiting).release();
    await pool.close();
  });

  test("turns from failed to connected when an old connection proves itself", async () => {
    const database = new FakeDatabase();
    let refuses = false;
    const pool = database.pool({
      max: 2,
      validate: () => true,
      leakWarnMs: 4_000,
      create: (context) => (refuses ? Promise.reject(new Error("too many connections")) : database.create(context)),
    });
    const held = await pool.acquire();
    await vi.advanceTimersByTimeAsync(5_000);
    refuses = true;
    const waiting = pool.acquire({ timeoutMs: 20_000 });
    await vi.advanceTimersByTimeAsync(100);
    expect(pool.state.name).toBe("failed");
    held.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(pool.state.name).toBe("connected");
    expect((await waiting).value.id).toBe(1);
    await pool.close({ deadlineMs: 0 });
  });
});

describe("a permanent error", () => {
  test("reaches every waiter within 50 ms, by identity as the cause, and those who come later at once", async () => {
    const database = new FakeDatabase();
    database.up = false;
    database.connectMs = 10;
    const pool = database.pool({ max: 2, classify: () => "permanent" });
    const all = Promise.all(Array.from({ length: 500 }, () => rejection(pool.acquire())));
    await vi.advanceTimersByTimeAsync(50);
    const errors = await all;
    expect(errors.every(({ code, cause }) => code === "CREATE_FAILED" && cause === database.refusal)).toBe(true);
    expect(errors[0]).toMatchObject({ retryable: false });
    expect(await rejection(pool.acquire())).toMatchObject({ code: "CREATE_FAILED", cause: database.refusal });
    await pool.close();
  });

  test("is asked about again every few seconds, since somebody may mend it", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ classify: () => "permanent" });
    await rejection(pool.acquire());
    await vi.advanceTimersByTimeAsync(20_000);
    expect(database.attempts).toBeLessThan(15);
    database.up = true;
    await vi.advanceTimersByTimeAsync(5_000);
    await pool.use(() => {});
    await pool.close();
  });
});

describe("whenAway", () => {
  test("fail leaves the line the moment the state turns failed, and does not join it while it is", async () => {
    const database = new FakeDatabase();
    database.up = false;
    database.connectMs = 20;
    const pool = database.pool();
    const ledger = new Ledger();
    ledger.watch("stays", pool.acquire());
    ledger.watch("leaves", pool.acquire({ whenAway: "fail" }));
    await vi.advanceTimersByTimeAsync(25);
    expect(ledger.events).toEqual(["leaves POOL_UNAVAILABLE"]);
    const error = await rejection(pool.acquire({ whenAway: "fail" }));
    expect(error).toMatchObject({ code: "POOL_UNAVAILABLE", retryable: true, cause: database.refusal });
    expect(error).toHaveProperty("retryAfterMs", expect.any(Number));
    database.up = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ledger.events).toEqual(["leaves POOL_UNAVAILABLE", "stays"]);
    await pool.close({ deadlineMs: 0 });
  });
});

describe("past unavailableAfterMs", () => {
  test("an acquire rejects at once with the time until the next dial, which is no constant", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ unavailableAfterMs: 1_000 });
    const early = pool.acquire({ timeoutMs: 60_000 });
    await vi.advanceTimersByTimeAsync(500);
    const patient = rejection(pool.acquire({ timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await patient).toMatchObject({
      code: "ACQUIRE_TIMEOUT",
      facts: { phase: "outage" },
      cause: database.refusal,
    });
    const hints = new Set<number>();
    for (let turn = 0; turn < 5; turn += 1) {
      const { state } = pool;
      const error = await rejection(pool.acquire());
      expect(error).toMatchObject({ code: "POOL_UNAVAILABLE" });
      const { retryAfterMs } = error as unknown as { readonly retryAfterMs: number };
      if (state.name === "failed")
        expect(retryAfterMs).toBe(Math.max(1, Math.ceil(state.nextAttemptAt - performance.now())));
      hints.add(retryAfterMs);
      await vi.advanceTimersByTimeAsync(333);
    }
    expect(hints.size).toBeGreaterThan(1);
    // Whoever was in line before may stay as long as it likes.
    database.up = true;
    await vi.advanceTimersByTimeAsync(5_000);
    (await early).release();
    await pool.close();
  });

  test("an idle connection is still handed out, and a suspended pool lets callers wait", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ unavailableAfterMs: 10 });
    const late = rejection(pool.acquire({ timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(100);
    await late;
    pool.suspend();
    const waiting = pool.acquire();
    await vi.advanceTimersByTimeAsync(1_000);
    database.up = true;
    pool.resume();
    await vi.advanceTimersByTimeAsync(1_000);
    (await waiting).release();
    expect(await pool.use(() => "served")).toBe("served");
    await pool.close();
  });
});

describe("resize", () => {
  test("grows for those who wait, shrinks as connections come back, and keeps a new min", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    const one = await pool.acquire();
    const two = pool.acquire();
    pool.resize({ max: 3 });
    const second = await two;
    const third = await pool.acquire();
    second.release();
    pool.resize({ max: 1 });
    expect(pool.stats()).toMatchObject({ size: 2, idle: 0, max: 1 });
    third.release();
    expect(pool.stats()).toMatchObject({ size: 1, inUse: 1, closed: { surplus: 2 } });
    one.release();
    pool.resize({ max: 4, min: 4 });
    await vi.advanceTimersByTimeAsync(10);
    expect(pool.stats()).toMatchObject({ size: 4, idle: 4, min: 4 });
    expect(() => pool.resize({ max: 2 })).toThrow("min: expected an integer in 0..2, got 4 (number)");
    expect(() => pool.resize({ size: 2 } as never)).toThrow('resize: unknown option "size"');
    await pool.close();
  });

  test("a connection that comes when max has shrunk meanwhile is closed", async () => {
    const database = new FakeDatabase();
    database.connectMs = 50;
    const pool = database.pool({ max: 3, min: 3 });
    const started = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    pool.resize({ max: 1, min: 1 });
    await vi.advanceTimersByTimeAsync(100);
    (await started).release();
    expect(database.open).toHaveLength(1);
    await pool.close();
  });
});

describe("evictAll", () => {
  test("closes what is idle at once, what is out when it comes back, and what is being made when it is there", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 3 });
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    database.connectMs = 50;
    const late = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    pool.suspend();
    two?.release();
    pool.evictAll();
    expect(database.connections.map(({ closed }) => closed)).toEqual([false, true]);
    pool.resume();
    one?.release();
    expect(database.open).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(database.connections[2]?.closed).toBe(true);
    expect((await late).value.id).toBe(4);
    expect(pool.stats().closed.evicted).toBe(3);
    await pool.close({ deadlineMs: 0 });
  });
});

test("a failure soon after the very first connection begins an outage of its own", async () => {
  await vi.advanceTimersByTimeAsync(60_000);
  const database = new FakeDatabase();
  const pool = database.pool({ min: 1, unavailableAfterMs: 2_000 });
  const starting = pool.start();
  await vi.advanceTimersByTimeAsync(50);
  await starting;
  database.up = false;
  for (const connection of database.open) connection.die(new Error("ECONNRESET"));
  await vi.advanceTimersByTimeAsync(300);
  const { state } = pool;
  expect(state.name === "failed" && state.unavailableAt > performance.now()).toBe(true);
  pool.acquire({ timeoutMs: 50 }).catch(() => {});
  await vi.advanceTimersByTimeAsync(100);
  await pool.close();
});

test.each([
  [700, "goes on with the outage before it, its limit included", true],
  [1_500, "is an outage of its own", false],
])("a failure %s ms after a recovery %s", async (afterMs, _, isSame) => {
  const database = new FakeDatabase();
  const pool = database.pool({ min: 1, unavailableAfterMs: 2_000 });
  const fail = async (ms: number): Promise<number> => {
    database.up = false;
    for (const connection of database.open) connection.die(new Error("ECONNRESET"));
    await vi.advanceTimersByTimeAsync(ms);
    expect(pool.state.name).toBe("failed");
    return pool.state.name === "failed" ? pool.state.unavailableAt : Number.NaN;
  };
  const starting = pool.start();
  await vi.advanceTimersByTimeAsync(1_500);
  await starting;
  const first = await fail(500);
  database.up = true;
  while (pool.state.name !== "connected") await vi.advanceTimersByTimeAsync(1);
  await vi.advanceTimersByTimeAsync(afterMs);
  const second = await fail(100);
  if (isSame) expect(second).toBe(first);
  else expect(second).toBeGreaterThan(first + 1_500);
  await pool.close({ deadlineMs: 0 });
});
