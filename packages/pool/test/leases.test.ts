import { describe, expect, test } from "vitest";
import { type ConnectionPool, PoolError } from "../src/index.ts";
import { FakeDatabase, rejection } from "./support/database.ts";

describe("t01-stale-release", () => {
  test("a lease released twice throws, and the connection stays with its new holder", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const first = await pool.acquire();
    const { value } = first;
    first.release();
    const second = await pool.acquire();
    expect(second.value).toBe(value);
    expect(() => first.release()).toThrow(PoolError);
    expect(() => first.release()).toThrow(expect.objectContaining({ code: "LEASE_RELEASED", retryable: false }));
    expect(() => first.destroy()).toThrow("this lease has ended");
    expect(() => first.value).toThrow("this lease has ended");
    expect(() => first.ageMs).toThrow("this lease has ended");
    expect(() => first.run(() => 1)).toThrow("this lease has ended");
    expect(pool.tryAcquire()).toBeUndefined();
    expect(second.value).toBe(value);
    expect(pool.stats()).toMatchObject({ size: 1, inUse: 1, idle: 0 });
  });

  test("a lease says how long it is out and whether it has ended", async () => {
    const pool = new FakeDatabase().pool();
    const lease = await pool.acquire();
    expect(lease.released).toBe(false);
    expect(lease.ageMs).toBeGreaterThanOrEqual(0);
    lease.release();
    expect(lease.released).toBe(true);
  });
});

describe("t17-dirty-session", () => {
  const dirty = async (pool: ConnectionPool<{ dirty: boolean }>): Promise<unknown> =>
    rejection(
      pool.use((connection) => {
        connection.dirty = true;
        throw new Error("ROLLBACK failed");
      }),
    );

  test("a connection whose work failed is closed when nobody can vouch for it", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    await dirty(pool);
    expect(database.connections[0]?.closed).toBe(true);
    expect(await pool.use(({ id }) => id)).toBe(2);
  });

  test("a connection whose work failed comes back when reset cleans it, and not before", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      max: 1,
      reset: async (connection) => {
        await Promise.resolve();
        connection.dirty = false;
      },
    });
    await dirty(pool);
    expect(await pool.use(({ id, dirty }) => ({ id, dirty }))).toEqual({ id: 1, dirty: false });
  });

  test("a connection whose reset fails is closed", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1, reset: () => Promise.reject(new Error("cannot")) });
    await pool.use(() => {});
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(database.connections[0]?.closed).toBe(true);
    expect(pool.stats().closed.reset).toBe(2);
  });

  test("an error that classify calls transient leaves the connection in the pool, a broken one closes it", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      max: 1,
      classify: (error) => ((error as Error).message === "gone" ? "broken" : "transient"),
    });
    await rejection(pool.use(() => Promise.reject(new Error("duplicate key"))));
    expect(await pool.use(({ id }) => id)).toBe(1);
    await rejection(pool.use(() => Promise.reject(new Error("gone"))));
    expect(await pool.use(({ id }) => id)).toBe(2);
  });
});

describe("use", () => {
  test("gives the result, releases, and passes the work's own error on by identity", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    expect(await pool.use(() => 5)).toBe(5);
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
    const error = new Error("mine");
    expect(await rejection(pool.use(() => Promise.reject(error)))).toBe(error);
    expect(await rejection(pool.use(() => Promise.reject(undefined)))).toBeUndefined();
    expect(pool.stats()).toMatchObject({ inUse: 0 });
  });

  test("lets the work end its lease itself, in success and in failure", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    await pool.use((_, lease) => lease.destroy());
    await rejection(
      pool.use((_, lease) => {
        lease.release();
        throw new Error("later");
      }),
    );
    expect(database.connections.map(({ closed }) => closed)).toEqual([true, false]);
  });
});

describe("disposal", () => {
  test("using and await using release, also after a release by hand", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    {
      using lease = await pool.acquire();
      expect(lease.value.id).toBe(1);
    }
    {
      await using lease = await pool.acquire();
      lease.release();
    }
    expect(pool.stats()).toMatchObject({ inUse: 0, idle: 1 });
  });

  test("await using closes a pool", async () => {
    const database = new FakeDatabase();
    {
      await using pool = database.pool();
      await pool.use(() => {});
    }
    expect(database.open).toEqual([]);
  });
});

describe("tryAcquire", () => {
  test("gives an idle connection or nothing, and passes nobody who waits", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    expect(pool.tryAcquire()).toBeUndefined();
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.release();
    expect(pool.tryAcquire()).toBeUndefined();
    (await next).release();
    const tried = pool.tryAcquire("a label");
    expect(tried?.value.id).toBe(1);
    tried?.release();
    pool.suspend();
    expect(pool.tryAcquire()).toBeUndefined();
  });
});
