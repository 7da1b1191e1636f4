import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeDatabase, Ledger, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("t02-create-always-fails", () => {
  test("a create that always rejects at once is tried a few times a second, and the waiter's timeout fires", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ max: 10 });
    const failed = rejection(pool.acquire({ timeoutMs: 300 }));
    await vi.advanceTimersByTimeAsync(310);
    expect(await failed).toMatchObject({ code: "ACQUIRE_TIMEOUT", cause: database.refusal });
    expect(database.attempts).toBeLessThanOrEqual(7);
    await pool.close();
  });

  test("waiters beyond max are served though the creates for those before them failed", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ max: 2 });
    const served = Promise.all(Array.from({ length: 6 }, () => pool.use(({ id }) => id)));
    await vi.advanceTimersByTimeAsync(100);
    database.up = true;
    await vi.advanceTimersByTimeAsync(300);
    expect(await served).toHaveLength(6);
    expect(database.mostOpen).toBeLessThanOrEqual(2);
  });

  test("a create that throws instead of rejecting is a failed attempt like any other", async () => {
    const database = new FakeDatabase();
    let broken = true;
    const pool = database.pool({
      create: (context) => {
        if (broken) throw new Error("at once");
        return database.create(context);
      },
    });
    const used = pool.use(({ id }) => id);
    await vi.advanceTimersByTimeAsync(10);
    broken = false;
    await vi.advanceTimersByTimeAsync(100);
    expect(await used).toBe(1);
  });
});

describe("t06-slow-connect", () => {
  test("a connection that comes after its caller's timeout is pooled and serves the next", async () => {
    const database = new FakeDatabase();
    database.connectMs = 500;
    const pool = database.pool({ max: 1 });
    const first = rejection(pool.acquire({ timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(110);
    expect(await first).toMatchObject({ code: "ACQUIRE_TIMEOUT", facts: { phase: "create", creating: 1 } });
    await vi.advanceTimersByTimeAsync(400);
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1, inUse: 0 });
    expect(await pool.use(({ id }) => id)).toBe(1);
    expect(database.attempts).toBe(1);
  });

  test("a create that outlasts even its own timeout is followed by the next, which gives way when the first comes after all", async () => {
    const database = new FakeDatabase();
    database.connectMs = 1_500;
    const pool = database.pool({ max: 1, createTimeoutMs: 1_000 });
    const ledger = new Ledger();
    ledger.watch(
      "served",
      pool.use(() => {}),
    );
    await vi.advanceTimersByTimeAsync(1_300);
    expect(database.attempts).toBe(2);
    await vi.advanceTimersByTimeAsync(300);
    expect(ledger.events).toEqual(["served"]);
    // What the second makes in spite of its signal is one too many.
    await vi.advanceTimersByTimeAsync(2_000);
    expect(database.connections.map(({ closed }) => closed)).toEqual([false, true]);
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1, creating: 0 });
    await pool.close();
  });

  test("with max 1 a create that is always slower than createTimeoutMs serves its caller all the same", async () => {
    const database = new FakeDatabase();
    database.connectMs = 7_000;
    const pool = database.pool({ max: 1 });
    const used = pool.use(() => performance.now());
    const before = performance.now();
    await vi.advanceTimersByTimeAsync(9_000);
    expect((await used) - before).toBe(7_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(database.open).toHaveLength(1);
    expect(pool.stats()).toMatchObject({ size: 1, creating: 0, state: "connected" });
    await pool.close();
  });

  test("what was given up before evictAll and comes after it is not used", async () => {
    const database = new FakeDatabase();
    database.connectMs = 150;
    const pool = database.pool({ max: 2, createTimeoutMs: 100 });
    const gone = rejection(pool.acquire({ timeoutMs: 120 }));
    await vi.advanceTimersByTimeAsync(130);
    await gone;
    pool.evictAll();
    await vi.advanceTimersByTimeAsync(30);
    expect(database.connections[0]?.closed).toBe(true);
    expect(pool.stats()).toMatchObject({ size: 0, closed: { evicted: 1 } });
    await pool.close();
  });

  test("a late connection is adopted when its place is still free", async () => {
    const database = new FakeDatabase();
    database.connectMs = 1_010;
    const pool = database.pool({ max: 1, createTimeoutMs: 1_000 });
    const used = pool.use(({ id }) => id);
    await vi.advanceTimersByTimeAsync(1_011);
    expect(await used).toBe(1);
    expect(pool.state.name).toBe("connected");
    await pool.close();
  });
});

describe("t07-outage-herd", () => {
  test("in an outage of a second 100 callers cause at most 20 creates, one at a time after the first burst", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ max: 10 });
    const start = performance.now();
    const served: number[] = [];
    const work = (): Promise<void> =>
      pool.use(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          served.push(performance.now() - start);
        },
        { timeoutMs: 3_000 },
      );
    const all = Promise.all(Array.from({ length: 100 }, work));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(database.attempts).toBeLessThanOrEqual(20);
    expect(database.mostConnecting).toBeLessThanOrEqual(4);
    const burst = database.attempts;
    database.up = true;
    database.mostConnecting = 0;
    database.connectMs = 2;
    await vi.advanceTimersByTimeAsync(500);
    await all;
    expect(served[0]).toBeLessThanOrEqual(1_300);
    expect(served.at(-1)).toBeLessThanOrEqual(1_500);
    expect(database.attempts - burst).toBeLessThanOrEqual(10);
  });

  test("after the recovery connections are made one at a time, then two, then four", async () => {
    const database = new FakeDatabase();
    database.up = false;
    database.connectMs = 10;
    const pool = database.pool({ max: 20, createConcurrency: 8 });
    const leases = Promise.all(Array.from({ length: 20 }, () => pool.acquire()));
    await vi.advanceTimersByTimeAsync(200);
    // The first to succeed may have begun before.
    database.up = true;
    await vi.advanceTimersByTimeAsync(1_000);
    await leases;
    const waves = new Map<number, number>();
    const successes = database.attemptTimes.slice(-20);
    for (const at of successes) waves.set(at, (waves.get(at) ?? 0) + 1);
    expect([...waves.values()].slice(0, 3)).toEqual([1, 1, 2]);
    expect(Math.max(...waves.values())).toBeLessThanOrEqual(8);
    await pool.close({ deadlineMs: 0 });
  });

  test("the pauses of a long outage stay under maxBackoffMs, those after a permanent error do not", async () => {
    for (const classify of [undefined, () => "permanent" as const]) {
      const database = new FakeDatabase();
      database.up = false;
      const pool = database.pool({ min: 1, maxBackoffMs: 700, ...(classify === undefined ? {} : { classify }) });
      pool.start({ timeoutMs: 100_000 }).catch(() => {});
      pool.acquire({ timeoutMs: 100_000 }).catch(() => {});
      await vi.advanceTimersByTimeAsync(60_000);
      await pool.close();
      const pauses = database.attemptTimes.slice(1).map((at, index) => at - (database.attemptTimes[index] ?? 0));
      if (classify === undefined) {
        expect(Math.max(...pauses)).toBeLessThanOrEqual(701);
        expect(pauses.length).toBeGreaterThan(80);
      } else expect(Math.min(5_000, ...pauses)).toBeGreaterThanOrEqual(2_500);
    }
  });

  test("the pauses of a long outage stay under five seconds and are not the same for two pools", async () => {
    const pauses = await Promise.all(
      Array.from({ length: 2 }, async () => {
        const database = new FakeDatabase();
        database.up = false;
        const pool = database.pool({ min: 1 });
        pool.start({ timeoutMs: 100_000 }).catch(() => {});
        await vi.advanceTimersByTimeAsync(60_000);
        await pool.close();
        return database.attemptTimes.slice(1).map((at, index) => at - (database.attemptTimes[index] ?? 0));
      }),
    );
    expect(Math.max(...pauses.flat())).toBeLessThanOrEqual(5_001);
    expect(Math.max(...pauses.flat())).toBeGreaterThan(2_000);
    expect(pauses[0]).not.toEqual(pauses[1]);
  });
});

describe("t08-recovery", () => {
  test("the pool recovers by itself after an outage in which nobody asked", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, classify: () => "broken" });
    await pool.start();
    database.up = false;
    const lease = await pool.acquire();
    lease.release(new Error("connection reset"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(pool.state.name).toBe("failed");
    database.up = true;
    await vi.advanceTimersByTimeAsync(2_500);
    expect(pool.state.name).toBe("connected");
    expect(await pool.use(() => "served")).toBe("served");
  });

  test("attempts that hang do not keep the prober from dialling, nor the pool from recovering", async () => {
    const database = new FakeDatabase();
    let attempt = 0;
    const pool = database.pool({
      max: 4,
      createTimeoutMs: 5_000,
      create: (context) => {
        attempt += 1;
        if (attempt <= 3) return new Promise(() => {});
        if (attempt === 4) return Promise.reject(new Error("refused"));
        return database.create(context);
      },
    });
    const used = Array.from({ length: 4 }, () => pool.use(({ id }) => id));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await Promise.all(used)).toHaveLength(4);
  });

  test("a hung create loses its place after its timeout, again and again, and never for ever", async () => {
    const database = new FakeDatabase();
    let hangs = true;
    const pool = database.pool({
      max: 1,
      createTimeoutMs: 100,
      create: (context) => (hangs ? new Promise(() => {}) : database.create(context)),
    });
    const used = pool.use(({ id }) => id, { timeoutMs: 60_000 });
    await vi.advanceTimersByTimeAsync(20_000);
    hangs = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await used).toBe(1);
  });

  test("18 cold clients of a slow database are all served, and a burst opens no more than it needs", async () => {
    const database = new FakeDatabase();
    database.connectMs = 333;
    const pool = database.pool({ max: 18 });
    const work = (): Promise<void> => pool.use(() => new Promise((resolve) => setTimeout(resolve, 5)));
    const all = Promise.all(Array.from({ length: 18 }, work));
    await vi.advanceTimersByTimeAsync(2_000);
    await all;
    expect(database.attempts).toBeLessThanOrEqual(8);
  });
});

describe("start", () => {
  test("makes min connections, and one where min is none", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ min: 3 });
    await pool.start();
    expect(pool.stats()).toMatchObject({ size: 3, idle: 3, state: "connected" });
    const lazy = new FakeDatabase().pool();
    await lazy.start();
    expect(lazy.stats()).toMatchObject({ size: 1 });
    await lazy.start();
    expect(lazy.stats()).toMatchObject({ size: 1 });
  });

  test("waits through an outage, until its timeout", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ min: 1 });
    const failed = rejection(pool.start({ timeoutMs: 1_000 }));
    const started = pool.start({ timeoutMs: 20_000 });
    await vi.advanceTimersByTimeAsync(1_010);
    expect(await failed).toMatchObject({ code: "ACQUIRE_TIMEOUT", cause: database.refusal, retryable: true });
    database.up = true;
    await vi.advanceTimersByTimeAsync(1_000);
    await started;
  });

  test("ends at once while a permanent error lasts, without another attempt", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ classify: () => "permanent" });
    await rejection(pool.start());
    await vi.advanceTimersByTimeAsync(100);
    const ledger = new Ledger();
    ledger.watch("start", pool.start());
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["start CREATE_FAILED"]);
    expect(database.attempts).toBe(1);
    await pool.close();
  });

  test("ends at once for a permanent error, for its signal, and for close()", async () => {
    const database = new FakeDatabase();
    database.up = false;
    const pool = database.pool({ classify: () => "permanent" });
    expect(await rejection(pool.start())).toMatchObject({ code: "CREATE_FAILED", cause: database.refusal });

    const patient = database.pool();
    const reason = new Error("enough");
    const controller = new AbortController();
    const stopped = rejection(patient.start({ signal: controller.signal }));
    const closed = rejection(patient.start());
    controller.abort(reason);
    expect(await stopped).toBe(reason);
    expect(await rejection(patient.start({ signal: controller.signal }))).toBe(reason);
    await patient.close();
    expect(await closed).toMatchObject({ code: "POOL_CLOSED" });
    expect(await rejection(patient.start())).toMatchObject({ code: "POOL_CLOSED" });
  });
});
