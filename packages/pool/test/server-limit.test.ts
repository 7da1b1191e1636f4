import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConnectionPool, PoolOptions } from "../src/index.ts";
import { type Connection, FakeDatabase, Ledger } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A database that takes so many connections and no more, and works well for those that it took. */
class LimitedDatabase extends FakeDatabase {
  limit: number;

  constructor(limit: number) {
    super();
    this.limit = limit;
    this.connectMs = 5;
  }

  limitedPool(options: Partial<PoolOptions<Connection>>): ConnectionPool<Connection> {
    const create: PoolOptions<Connection>["create"] = async (context) => {
      if (this.open.length + this.connecting < this.limit) return this.create(context);
      this.attempts += 1;
      throw new Error("too many clients");
    };
    return this.pool({ validate: () => true, ...options, create });
  }
}

describe("a pool at the server's connection limit, whose connections all work", () => {
  test.each([1_500, 4_000, 20_000])(
    "stays connected and refuses nobody while leases of %d ms come back clean",
    async (leaseMs) => {
      const database = new LimitedDatabase(2);
      const pool = database.limitedPool({ max: 3, acquireTimeoutMs: 5 * 60_000 });
      const states: string[] = [];
      pool.onStateChange(({ name }) => states.push(name));
      let served = 0;
      let refused = 0;
      let stopped = false;
      const caller = async (): Promise<void> => {
        while (!stopped) {
          try {
            const lease = await pool.acquire({ whenAway: "fail" });
            await new Promise((resolve) => setTimeout(resolve, leaseMs));
            lease.release();
            served += 1;
          } catch {
            refused += 1;
            await new Promise((resolve) => setTimeout(resolve, 500));
          }
        }
      };
      for (let index = 0; index < 6; index += 1) void caller();
      await vi.advanceTimersByTimeAsync(120_000);
      stopped = true;
      expect({ states, refused }).toEqual({ states: ["connecting", "connected"], refused: 0 });
      expect(served).toBeGreaterThanOrEqual(2 * Math.floor(110_000 / leaseMs));
      await pool.close({ deadlineMs: 0 });
    },
  );

  test("idle connections are asked before the pool is called failed, again and again", async () => {
    const database = new LimitedDatabase(2);
    const pool = database.limitedPool({ max: 3, min: 3 });
    const states: string[] = [];
    pool.onStateChange(({ name }) => states.push(name));
    await Promise.all([pool.use(() => {}), vi.advanceTimersByTimeAsync(120_000)]);
    expect(states).toEqual(["connecting", "connected"]);
    expect(pool.stats()).toMatchObject({ idle: 2 });
    await pool.close();
  });

  test("a failed pool is connected again with the first lease that comes back clean", async () => {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2, leakWarnMs: 1_500 });
    const held = await (async () => {
      const acquired = pool.acquire();
      await vi.advanceTimersByTimeAsync(10);
      return acquired;
    })();
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire({ timeoutMs: 60_000 }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pool.state.name).toBe("failed");
    held.release();
    expect(pool.state.name).toBe("connected");
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });

  test("a lease whose connection was lost meanwhile is no sign of life, however it comes back", async () => {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2 });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    const held = await acquired;
    pool.acquire({ timeoutMs: 60_000 }).catch(() => {});
    database.limit = 0;
    await vi.advanceTimersByTimeAsync(5_000);
    held.value.die(new Error("ECONNRESET"));
    expect(pool.state.name).toBe("failed");
    const states: string[] = [];
    pool.onStateChange(({ name }) => states.push(name));
    held.release();
    expect(states).toEqual([]);
    await pool.close();
  });

  test("a permanent error of growth turns nobody away whom a lease that comes back can serve", async () => {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2, classify: () => "permanent" });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    const held = await acquired;
    const ledger = new Ledger();
    ledger.watch("served", pool.acquire());
    await vi.advanceTimersByTimeAsync(500);
    held.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["served"]);
    await pool.close({ deadlineMs: 0 });
  });
});

describe("a pool whose last connection goes", () => {
  test("when growth has failed: those who would not wait are told the moment the state turns failed", async () => {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2 });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    const held = await acquired;
    const ledger = new Ledger();
    ledger.watch("leaves", pool.acquire({ whenAway: "fail" }));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ledger.events).toEqual([]);
    database.limit = 0;
    held.destroy(new Error("gone"));
    expect(pool.state.name).toBe("failed");
    await vi.advanceTimersByTimeAsync(0);
    expect(ledger.events).toEqual(["leaves POOL_UNAVAILABLE"]);
    await pool.close();
  });

  test("one that hangs in its check is not taken for a sign of life", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, validate: ({ dead }) => (dead ? new Promise(() => {}) : true) });
    const lease = await pool.acquire();
    lease.value.dead = true;
    lease.release();
    database.up = false;
    await vi.advanceTimersByTimeAsync(2_000);
    const ledger = new Ledger();
    ledger.watch("leaves", pool.acquire({ whenAway: "fail" }));
    await vi.advanceTimersByTimeAsync(300);
    expect(ledger.events).toEqual(["leaves POOL_UNAVAILABLE"]);
    expect(pool.state.name).toBe("failed");
    await pool.close({ deadlineMs: 0 });
  });
});

describe("an attempt that failed when it was wanted, and is wanted by nobody any more", () => {
  async function afterOneFailure(options: Partial<PoolOptions<Connection>>) {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2, ...options });
    const first = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    const held = await first;
    const second = pool.acquire();
    await vi.advanceTimersByTimeAsync(3);
    held.release();
    const lease = await second;
    await vi.advanceTimersByTimeAsync(10);
    database.limit = 10;
    return { database, pool, lease };
  }

  test("does not keep connections beyond their lifetime", async () => {
    const { pool, lease } = await afterOneFailure({ maxLifetimeMs: 5_000 });
    lease.release();
    await vi.advanceTimersByTimeAsync(60_000);
    const [id] = await Promise.all([pool.use((connection) => connection.id), vi.advanceTimersByTimeAsync(10)]);
    expect(id).toBeGreaterThan(1);
    expect(pool.stats().closed.max_lifetime).toBeGreaterThan(0);
    await pool.close();
  });

  test("does not turn the state failed when an idle connection is trimmed", async () => {
    const { pool, lease } = await afterOneFailure({ idleTimeoutMs: 5_000 });
    const states: string[] = [];
    pool.onStateChange(({ name }) => states.push(name));
    lease.release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(states).toEqual([]);
    expect(pool.stats()).toMatchObject({ size: 0 });
    await pool.close();
  });

  test("does not turn the state failed when a lease is destroyed", async () => {
    const { pool, lease } = await afterOneFailure({});
    await vi.advanceTimersByTimeAsync(20_000);
    lease.destroy();
    expect(pool.state.name).toBe("connected");
    const acquired = pool.acquire({ whenAway: "fail" });
    await vi.advanceTimersByTimeAsync(10);
    (await acquired).release();
    await pool.close();
  });

  test("is forgotten when the limit was lowered to what there is", async () => {
    const { database, pool, lease } = await afterOneFailure({ maxLifetimeMs: 5_000 });
    database.limit = 1;
    await vi.advanceTimersByTimeAsync(100);
    pool.resize({ max: 1 });
    database.limit = 10;
    lease.release();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(pool.stats().closed.max_lifetime).toBe(1);
    await pool.close();
  });

  test("while nothing new can be made an idle connection is not closed for being idle", async () => {
    const database = new LimitedDatabase(1);
    const pool = database.limitedPool({ max: 2, idleTimeoutMs: 1_000 });
    const acquired = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    const held = await acquired;
    const second = pool.acquire();
    await vi.advanceTimersByTimeAsync(10);
    held.release();
    (await second).release();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(pool.stats()).toMatchObject({ idle: 1, state: "connected" });
    await pool.close();
  });
});
