import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Lease, PoolOptions } from "../src/index.ts";
import { type Connection, FakeDatabase, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A proxy whose database is away: it takes every connection and drops it a few milliseconds later. */
function proxiedPool(database: FakeDatabase, options: Partial<PoolOptions<Connection>> = {}) {
  database.connectMs = 2;
  return database.pool({
    max: 10,
    ...options,
    create: async (context) => {
      const connection = await database.create(context);
      if (!database.up) setTimeout(() => connection.die(new Error("closed by the proxy")), 3);
      return connection;
    },
  });
}

/** As `FakeDatabase` with `up` false, but for the refusal. */
class ProxiedDatabase extends FakeDatabase {
  override readonly create: FakeDatabase["create"] = async ({ lost }) => {
    this.attempts += 1;
    await new Promise((resolve) => setTimeout(resolve, this.connectMs));
    const connection = { id: this.attempts, closed: false, dead: false, dirty: false, die: lost };
    this.connections.push(connection);
    return connection;
  };
}

describe("connections that die right after they were made", () => {
  test.each([
    ["to keep min", 10, 0],
    ["for those who wait", 0, 30],
  ])("are made anew %s with the pauses of an outage, not as fast as they die", async (_, min, callers) => {
    const database = new ProxiedDatabase();
    const pool = proxiedPool(database, { min, classify: () => "broken" });
    await Promise.all([pool.use(() => {}), vi.advanceTimersByTimeAsync(10)]);
    database.up = false;
    for (const connection of database.connections) connection.die();
    let stopped = false;
    const caller = async (): Promise<void> => {
      const work = (): Promise<void> => new Promise((_, reject) => setTimeout(reject, 5, new Error("ECONNRESET")));
      while (!stopped) await pool.use(work).catch(() => {});
    };
    for (let count = 0; count < callers; count += 1) void caller();
    database.attempts = 0;
    await vi.advanceTimersByTimeAsync(30_000);
    stopped = true;
    expect(database.attempts).toBeGreaterThan(5);
    expect(database.attempts).toBeLessThan(60);
    await pool.close({ deadlineMs: 0 });
  });

  test("are an outage that lasts: past unavailableAfterMs callers are refused at once", async () => {
    const database = new ProxiedDatabase();
    database.up = false;
    const pool = proxiedPool(database, { min: 2, unavailableAfterMs: 5_000, classify: () => "broken" });
    const caller = (): Promise<unknown> =>
      pool.use(() => new Promise((_, reject) => setTimeout(reject, 5, new Error("ECONNRESET")))).catch(() => {});
    for (let turn = 0; turn < 100; turn += 1) {
      void caller();
      await vi.advanceTimersByTimeAsync(100);
    }
    const { state } = pool;
    expect(state.name).toBe("failed");
    expect(await rejection(pool.acquire())).toMatchObject({ code: "POOL_UNAVAILABLE" });
    await pool.close({ deadlineMs: 0 });
  });

  test("when they live again the pool recovers by itself, and grows to what is wanted", async () => {
    const database = new ProxiedDatabase();
    database.up = false;
    const pool = proxiedPool(database, { min: 10 });
    pool.acquire({ timeoutMs: 5_000 }).catch(() => {});
    await vi.advanceTimersByTimeAsync(10_000);
    database.up = true;
    await vi.advanceTimersByTimeAsync(7_000);
    expect(pool.stats()).toMatchObject({ state: "connected", size: 10 });
    await pool.close({ deadlineMs: 0 });
  });

  test("a connection that breaks at its first use beside others that work stops nobody", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, classify: () => "broken" });
    for (let turn = 0; turn < 20; turn += 1) {
      const [good, bad] = await Promise.all([pool.acquire(), pool.acquire()]);
      await vi.advanceTimersByTimeAsync(1);
      good.release();
      bad.release(new Error("poisoned"));
      expect(pool.state.name).toBe("connected");
    }
    await pool.close();
  });
});

test.each<[string, (connection: Connection, lease: Lease<Connection>) => void]>([
  [
    "by its error and by its end",
    ({ die }, lease) => {
      die(new Error("ECONNRESET"));
      die();
      lease.destroy();
    },
  ],
  [
    "by itself and by its holder",
    ({ die }, lease) => {
      die();
      lease.release(new Error("ECONNRESET"));
    },
  ],
])("hazard: one connection that dies young is taken for two, an outage — also where it is told %s", async (_, end) => {
  const database = new FakeDatabase();
  const pool = database.pool({ classify: () => "broken" });
  const states: string[] = [];
  pool.onStateChange(({ name }) => states.push(name));
  const lease = await pool.acquire();
  end(lease.value, lease);
  expect(await pool.use(({ id }) => id)).toBe(2);
  expect(states).toEqual(["connecting", "connected"]);
  expect(pool.stats()).toMatchObject({ backgroundErrors: 1, closed: { error: 1 } });
  await pool.close();
});

test("checks that always fail at once do not make, check and close connections in a circle", async () => {
  const database = new FakeDatabase();
  let sound = true;
  const pool = database.pool({
    max: 5,
    min: 5,
    classify: () => "broken",
    validate: async () => {
      if (sound) return true;
      await new Promise((resolve) => setTimeout(resolve, 3));
      throw new Error("EPIPE");
    },
  });
  await pool.start();
  sound = false;
  const lease = await pool.acquire();
  lease.release(new Error("EPIPE"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(database.attempts).toBeLessThan(20);
  await pool.close();
});
