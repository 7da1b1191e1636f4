import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Connection, FakeDatabase, rejection } from "./support/database.ts";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("t09-mass-expiry", () => {
  test("connections born together are replaced over a tenth of their lifetime, a few at a time", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 100, min: 100 });
    await pool.start();
    database.connectMs = 10;
    database.attemptTimes.length = 0;
    await vi.advanceTimersByTimeAsync(31 * MINUTE);
    const times = database.attemptTimes;
    expect(times.length).toBeGreaterThanOrEqual(100);
    expect((times.at(99) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(MINUTE);
    const within = times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length);
    expect(Math.max(...within)).toBeLessThan(20);
    expect(pool.stats()).toMatchObject({ size: 100 });
    await pool.close();
  });

  test("without jitter a recycle is still no storm: as many at a time as may be created", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 20, min: 20, lifetimeJitter: 0, maxLifetimeMs: MINUTE, createConcurrency: 2 });
    await pool.start();
    database.connectMs = 50;
    database.mostConnecting = 0;
    let fewest = 20;
    const watch = setInterval(() => {
      fewest = Math.min(fewest, pool.stats().size);
    }, 5);
    await vi.advanceTimersByTimeAsync(MINUTE + 5_000);
    clearInterval(watch);
    expect(database.attempts).toBe(40);
    expect(database.mostConnecting).toBe(2);
    expect(fewest).toBeGreaterThanOrEqual(18);
    await pool.close();
  });

  test("hazard: callers who come meanwhile make a storm of it — what is over its age serves until it can be replaced", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 20, min: 20, lifetimeJitter: 0, maxLifetimeMs: MINUTE, createConcurrency: 2 });
    await pool.start();
    database.connectMs = 50;
    await vi.advanceTimersByTimeAsync(MINUTE + 75);
    expect(pool.stats()).toMatchObject({ size: 20, creating: 0, closed: { max_lifetime: 2 } });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()]);
    expect(pool.stats()).toMatchObject({ size: 18, creating: 2, closed: { max_lifetime: 4 } });
    for (const lease of leases) lease.release();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(pool.stats()).toMatchObject({ size: 20, closed: { max_lifetime: 20 } });
    await pool.close();
  });

  test("hazard: a lifetime without end, all of it left to chance, is no time — attempts to connect still end in theirs", async () => {
    // The fault would never come back from a clock that stands still.
    vi.useRealTimers();
    const hang = new Promise<Connection>(() => {});
    const database = new FakeDatabase();
    const pool = database.pool({
      maxLifetimeMs: Number.POSITIVE_INFINITY,
      lifetimeJitter: 1,
      createTimeoutMs: 20,
      create: (context) => (database.attempts === 0 ? database.create(context) : hang),
    });
    onTestFinished(() => void pool.close({ deadlineMs: 0 }));
    await pool.acquire();
    const patient = rejection(pool.acquire());
    expect(await rejection(pool.acquire({ timeoutMs: 50 }))).toMatchObject({ code: "ACQUIRE_TIMEOUT" });
    await expect.poll(() => pool.stats().createFailures).toBeGreaterThan(1);
    await pool.close({ deadlineMs: 0 });
    expect(await patient).toMatchObject({ code: "POOL_CLOSED" });
  });

  test("nothing is closed for its age while nothing new can be made", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 3, maxLifetimeMs: MINUTE, lifetimeJitter: 0 });
    await pool.use(() => {});
    const held = await pool.acquire();
    database.up = false;
    const second = pool.acquire({ timeoutMs: 5 * MINUTE });
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    held.release();
    const lease = await second;
    expect(lease.value.id).toBe(1);
    lease.release();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await pool.use(({ id }) => id)).toBe(1);
    database.up = true;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await pool.use(({ id }) => id)).toBe(2);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(database.connections[0]?.closed).toBe(true);
    await pool.close();
  });
});

describe("t12-idle-below-min", () => {
  test("what min keeps is pinged in the background, and a dead one replaced before anybody asks for it", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ min: 2, validate: database.validate });
    await pool.start();
    const dead = database.connections[0];
    if (dead !== undefined) dead.dead = true;
    await vi.advanceTimersByTimeAsync(2 * MINUTE + 1_000);
    expect(database.pings).toBeGreaterThanOrEqual(2);
    expect(dead?.closed).toBe(true);
    expect(pool.stats()).toMatchObject({ size: 2, idle: 2 });
    await pool.close();
  });

  test("what min keeps is not closed and made again for being idle", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ min: 2, max: 4, validate: database.validate });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()]);
    for (const lease of leases) lease.release();
    await vi.advanceTimersByTimeAsync(5 * MINUTE + 1_000);
    expect(pool.stats()).toMatchObject({ size: 2, closed: { idle: 2 } });
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(database.attempts).toBe(4);
    await pool.close();
  });

  test("a ping is no use: what nobody uses goes after idleTimeoutMs though it is pinged", async () => {
    // The spread of the pings is held still: one at the very moment of a use would have its connection passed over.
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const database = new FakeDatabase();
    const pool = database.pool({ max: 3, validate: database.validate });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
    for (const lease of leases) lease.release();
    for (let minute = 0; minute < 6; minute += 1) {
      await vi.advanceTimersByTimeAsync(MINUTE);
      expect(await pool.use(({ id }) => id)).toBe(3);
    }
    expect(database.connections.map(({ closed }) => closed)).toEqual([true, true, false]);
    await pool.close();
    vi.restoreAllMocks();
  });

  test("a slow ping does not put its connection on top of those used since", async () => {
    const database = new FakeDatabase();
    const validate = (): Promise<boolean> => new Promise((resolve) => setTimeout(() => resolve(true), 1_000));
    const options = { max: 2, validate, healthCheckIntervalMs: 10_000, validateAfterIdleMs: Number.POSITIVE_INFINITY };
    const pool = database.pool(options);
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    one?.release();
    await vi.advanceTimersByTimeAsync(9_500);
    two?.release();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(pool.stats()).toMatchObject({ idle: 2 });
    expect(await pool.use(({ id }) => id)).toBe(2);
    await pool.close();
  });

  test("pings rest while the pool is suspended", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ validate: database.validate, idleTimeoutMs: Number.POSITIVE_INFINITY });
    await pool.start();
    pool.suspend();
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(database.pings).toBe(0);
    pool.resume();
    await vi.advanceTimersByTimeAsync(3 * MINUTE);
    expect(database.pings).toBeGreaterThan(0);
    await pool.close();
  });
});

describe("validation on the way to a caller", () => {
  test("is skipped between two calls and done after a pause, once, for the one connection that is needed", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 3, validate: database.validate });
    for (const lease of await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()])) lease.release();
    await pool.use(() => {});
    expect(database.pings).toBe(0);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(pool.tryAcquire()).toBeUndefined();
    await pool.use(() => {});
    expect(database.pings).toBe(1);
    await pool.use(() => {});
    expect(database.pings).toBe(1);
    await pool.close();
  });
});

test("however short lifetimes may get, connections are looked after a few times a second, not each millisecond", async () => {
  const database = new FakeDatabase();
  const pool = database.pool({ max: 1, lifetimeJitter: 1 });
  const lease = await pool.acquire();
  const timers = vi.spyOn(globalThis, "setTimeout");
  await vi.advanceTimersByTimeAsync(10_000);
  expect(timers.mock.calls.length).toBeLessThan(210);
  timers.mockRestore();
  lease.release();
  await pool.close();
});

describe("t22-clock-jumps", () => {
  test.each([365 * 24 * 60 * MINUTE, -365 * 24 * 60 * MINUTE])(
    "a jump of the wall clock by %d ms changes nothing",
    async (jump) => {
      const database = new FakeDatabase();
      const pool = database.pool({ max: 1, min: 1, validate: database.validate });
      const lease = await pool.acquire();
      const waiting = pool.acquire({ timeoutMs: 1_000 });
      vi.setSystemTime(Date.now() + jump);
      await vi.advanceTimersByTimeAsync(500);
      lease.release();
      const next = await waiting;
      expect(next.value.id).toBe(1);
      next.release();
      vi.setSystemTime(Date.now() + jump);
      await vi.advanceTimersByTimeAsync(500);
      expect(pool.stats()).toMatchObject({ size: 1, idle: 1, timeouts: 0, leaks: 0 });
      expect(database.pings).toBe(0);
      await pool.close();
    },
  );
});

describe("t23-leak-reports", () => {
  const warnings = (): string[] => {
    const seen: string[] = [];
    vi.spyOn(process, "emitWarning").mockImplementation((warning) => {
      seen.push(String(warning));
    });
    return seen;
  };
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("a lease that is out for too long is reported once, with its label, age and stack", async () => {
    const seen = warnings();
    const pool = new FakeDatabase().pool({ name: "orders", leakStackRatio: 1, leakWarnMs: 1_000 });
    const lease = await pool.acquire({ label: "export" });
    const other = await pool.acquire();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seen).toEqual(
      ['orders: the lease "export" is out for 1001 ms', "orders: a lease without a label is out for 1001 ms"].map(
        (line) => expect.stringMatching(line.replace("1001", "1[0-9]{3}")),
      ),
    );
    expect(pool.stats().leaks).toBe(2);
    const { leaked } = await pool.close({ deadlineMs: 0 });
    expect(leaked[0]?.stack).toContain("lifetimes.test.ts");
    // Its connection is gone; giving the lease back is no mistake of the holder.
    lease.release();
    other.destroy();
    expect(lease.released).toBe(true);
  });

  test("a lease given back in time is not reported, nor is its connection's next holder", async () => {
    const seen = warnings();
    const pool = new FakeDatabase().pool({ max: 1, leakWarnMs: 1_000 });
    for (let turn = 0; turn < 5; turn += 1) {
      const lease = await pool.acquire();
      await vi.advanceTimersByTimeAsync(900);
      lease.release();
    }
    expect(seen).toEqual([]);
  });

  test("a holder that the event loop starved is not reported before it had a turn", async () => {
    vi.useRealTimers();
    const seen = warnings();
    const pool = new FakeDatabase().pool({ leakWarnMs: 200 });
    const lease = await pool.acquire();
    setTimeout(() => lease.release(), 350);
    const until = performance.now() + 400;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(seen).toEqual([]);
    await pool.close();
  });
});
