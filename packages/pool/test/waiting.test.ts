import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Connection, FakeDatabase, Ledger, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("t05-cancelled-hand-over", () => {
  test("a waiter that gives up while its connection is validated loses no connection", async () => {
    const database = new FakeDatabase();
    let answer: (alive: boolean) => void = () => {};
    const validate = (): Promise<boolean> =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const pool = database.pool({ max: 1, validate, validateAfterIdleMs: 0 });
    await pool.use(() => {});
    const controller = new AbortController();
    const aborted = rejection(pool.acquire({ signal: controller.signal }));
    const timedOut = rejection(pool.acquire({ timeoutMs: 10 }));
    const next = pool.acquire();
    controller.abort(new Error("changed my mind"));
    await vi.advanceTimersByTimeAsync(20);
    expect((await aborted).message).toBe("changed my mind");
    expect(await timedOut).toMatchObject({ code: "ACQUIRE_TIMEOUT", facts: { phase: "check" } });
    answer(true);
    const lease = await next;
    expect(lease.value.id).toBe(1);
    lease.release();
    expect(pool.stats()).toMatchObject({ size: 1, idle: 1, inUse: 0, checking: 0, waiting: 0 });
  });

  test("a signal that fires in the turn of the hand-over does not lose the connection", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    const controller = new AbortController();
    const waiting = pool.acquire({ signal: controller.signal });
    held.release();
    controller.abort();
    (await waiting).release();
    expect(pool.stats()).toMatchObject({ idle: 1, inUse: 0, aborted: 0 });
  });

  test("a waiter leaves its signal without a listener, however it ends", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    await pool.start();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const held = await pool.acquire({ signal });
    expect(added).not.toHaveBeenCalled();
    const served = pool.acquire({ signal });
    const late = rejection(pool.acquire({ signal, timeoutMs: 10 }));
    await vi.advanceTimersByTimeAsync(20);
    await late;
    held.release();
    await served;
    expect(added).toHaveBeenCalledTimes(2);
    expect(removed).toHaveBeenCalledTimes(2);
    expect(await rejection(pool.acquire({ signal: AbortSignal.abort("now") }))).toBe("now");
  });
});

describe("t18-fairness", () => {
  test("waiters are served in the order of their arrival, whatever their timeouts", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const ledger = new Ledger();
    const held = await pool.acquire();
    const timeouts = [5_000, 1_000, 9_000, 10, 2_000];
    timeouts.forEach((timeoutMs, index) => {
      ledger.watch(
        `${index}`,
        pool.use(() => {}, { timeoutMs }),
      );
    });
    await vi.advanceTimersByTimeAsync(20);
    held.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events).toEqual(["3 ACQUIRE_TIMEOUT", "0", "1", "2", "4"]);
  });

  test("idle connections go last in, first out, or in turn with fifo", async () => {
    const order = async (idleOrder: "lifo" | "fifo"): Promise<number[]> => {
      const pool = new FakeDatabase().pool({ max: 3, idleOrder });
      for (const lease of await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()])) lease.release();
      const ids: number[] = [];
      for (let turn = 0; turn < 4; turn += 1) ids.push(await pool.use(({ id }) => id));
      return ids;
    };
    expect(await order("lifo")).toEqual([3, 3, 3, 3]);
    expect(await order("fifo")).toEqual([1, 2, 3, 1]);
  });
});

describe("t19-nested-acquire", () => {
  test("a caller that waits while it holds a connection is named in its error, and so are the oldest holders", async () => {
    const pool = new FakeDatabase().pool({ max: 2, name: "orders" });
    const other = await pool.acquire({ label: "report" });
    await vi.advanceTimersByTimeAsync(1_000);
    const nested = pool.use(() => rejection(pool.acquire({ timeoutMs: 100, label: "inner" })), { label: "outer" });
    await vi.advanceTimersByTimeAsync(1);
    const bystander = rejection(pool.acquire({ timeoutMs: 90 }));
    await vi.advanceTimersByTimeAsync(150);
    const error = await nested;
    expect(error.message).toBe(
      "orders: no connection within 100 ms, waiting for a connection to come back: 2 of 2 in use, 0 idle, 0 being " +
        "created, 1 waiting; this caller already holds 1, which can be a deadlock; held longest by " +
        '"report" for 1100 ms, "outer" for 100 ms',
    );
    expect(error).toMatchObject({
      facts: { phase: "release", label: "inner", size: 2, inUse: 2, waiting: 1, holding: 1, waitingHolders: 1 },
    });
    expect(await bystander).toMatchObject({ facts: { holding: 0, waitingHolders: 1, waiting: 2 } });
    other.release();
  });

  test("leases of other pools, and those that ended, do not count", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const elsewhere = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    const error = await elsewhere.use(async () => {
      const late = rejection(pool.acquire({ timeoutMs: 50 }));
      await vi.advanceTimersByTimeAsync(60);
      return late;
    });
    expect(error).toMatchObject({ facts: { holding: 0, waitingHolders: 0 } });
    held.release();
    const after = await pool.use(async (_, lease) => {
      lease.release();
      const again = await pool.acquire();
      const late = rejection(pool.acquire({ timeoutMs: 50 }));
      await vi.advanceTimersByTimeAsync(60);
      again.release();
      return late;
    });
    expect(after).toMatchObject({ facts: { holding: 0 } });
  });

  test("a lease acquired by hand counts within run(), and those who wait beside it are told", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const lease = await pool.acquire();
    const inside = lease.run(() => rejection(pool.acquire({ timeoutMs: 100 })));
    const outside = rejection(pool.acquire({ timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(110);
    expect(await inside).toMatchObject({ facts: { holding: 1 } });
    expect((await outside).message).toContain("; 1 of those waiting already hold one");
  });
});

describe("the line", () => {
  test("is refused with POOL_FULL when maxWaiting wait already", async () => {
    const pool = new FakeDatabase().pool({ max: 1, maxWaiting: 1 });
    const held = await pool.acquire();
    const waiting = pool.acquire();
    expect(await rejection(pool.acquire())).toMatchObject({
      code: "POOL_FULL",
      retryable: true,
      facts: { waiting: 1 },
    });
    held.release();
    (await waiting).release();
    expect(pool.stats()).toMatchObject({ refused: 1, waiting: 0 });
  });

  test("a timeout never fires early, and within a millisecond or two of its time", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const held = await pool.acquire();
    const ledger = new Ledger();
    for (const timeoutMs of [7.5, 100, 99, 100, 3_000]) ledger.watch(`${timeoutMs}`, pool.acquire({ timeoutMs }));
    await vi.advanceTimersByTimeAsync(7);
    expect(ledger.events).toEqual([]);
    await vi.advanceTimersByTimeAsync(94);
    expect(ledger.events.map((event) => event.split(" ")[0])).toEqual(["7.5", "99", "100", "100"]);
    held.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(ledger.events.at(-1)).toBe("3000");
  });

  test("thousands that expire together are told in slices, with other events in between", {
    timeout: 30_000,
  }, async () => {
    vi.useRealTimers();
    const pool = new FakeDatabase().pool({ max: 1, maxWaiting: 50_000 });
    const held = await pool.acquire();
    let rejected = 0;
    const all = Array.from({ length: 20_000 }, () =>
      pool.acquire({ timeoutMs: 200 }).catch(() => {
        rejected += 1;
      }),
    );
    await Promise.all(all);
    expect(rejected).toBe(20_000);
    expect(pool.stats()).toMatchObject({ timeouts: 20_000, waiting: 0 });
    held.release();
  });

  test("wrong options of a call are told whether it has to wait or not", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    await pool.start();
    const check = async (): Promise<void> => {
      expect((await rejection(pool.acquire({ timeoutMs: 0 }))).message).toContain("timeoutMs: expected a number of");
      expect((await rejection(pool.acquire({ whenAway: "panic" as never }))).message).toBe(
        'whenAway: expected "wait" or "fail", got string',
      );
    };
    await check();
    const lease = await pool.acquire();
    await check();
    lease.release();
  });
});

describe("t21-capacity", () => {
  test("the place of a connection that is closed is free at once, though its destroy never ends", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1, destroy: () => new Promise<never>(() => {}) });
    const lease = await pool.acquire();
    const next = pool.acquire();
    lease.destroy();
    expect((await next).value.id).toBe(2);
    expect(pool.stats()).toMatchObject({ size: 1, destroying: 1 });
    await vi.advanceTimersByTimeAsync(5_001);
    expect(pool.stats()).toMatchObject({ destroying: 0, backgroundErrors: 1 });
  });

  test("a connection removed for its age makes room for the waiter that found it", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1, maxLifetimeMs: 1_000, lifetimeJitter: 0 });
    const lease = await pool.acquire();
    await vi.advanceTimersByTimeAsync(1_500);
    const next: Promise<Connection> = pool.use((connection) => connection);
    lease.release();
    expect((await next).id).toBe(2);
    expect(database.connections[0]?.closed).toBe(true);
  });
});

describe("suspend", () => {
  test("hands out nothing and connects to nothing until resume, and says so to whom it costs the time", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2 });
    await pool.use(() => {});
    pool.suspend();
    const late = rejection(pool.acquire({ timeoutMs: 100 }));
    const patient = Promise.all([pool.acquire(), pool.acquire()]);
    await vi.advanceTimersByTimeAsync(110);
    expect(await late).toMatchObject({ facts: { phase: "suspended", idle: 1 } });
    expect(database.attempts).toBe(1);
    pool.evictAll();
    pool.resume();
    const [one, two] = await patient;
    expect([one?.value.id, two?.value.id]).toEqual([2, 3]);
  });

  test("a lease that comes back while suspended waits for resume", async () => {
    const pool = new FakeDatabase().pool({ max: 1 });
    const lease = await pool.acquire();
    pool.suspend();
    const next = pool.acquire();
    lease.release();
    expect(pool.stats()).toMatchObject({ idle: 1, waiting: 1, suspended: true });
    pool.resume();
    expect((await next).value.id).toBe(1);
  });
});
