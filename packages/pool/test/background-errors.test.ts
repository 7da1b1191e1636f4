import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type BackgroundErrorEvent, CHANNELS, type PoolOptions } from "../src/index.ts";
import { type Connection, FakeDatabase, rejection, watchProcess } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets Node find what nobody handles: it looks after the microtasks, in a turn that fake timers do not have. */
async function settle(): Promise<void> {
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("t10-idle-connection-dies", () => {
  test("a connection that dies while idle is taken out, the next caller gets another, and nothing is uncaught", async () => {
    const watch = watchProcess();
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    await pool.use(() => {});
    database.connections[0]?.die(new Error("read ECONNRESET"));
    database.connections[0]?.die();
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(pool.stats()).toMatchObject({ backgroundErrors: 1, closed: { error: 1 } });
    await settle();
    expect(watch.faults).toEqual([]);
    watch.stop();
  });

  test("one that dies while it is leased is closed when it comes back", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1 });
    const lease = await pool.acquire();
    lease.value.die();
    const next = pool.acquire();
    expect(database.connections[0]?.closed).toBe(false);
    lease.release();
    expect((await next).value.id).toBe(2);
    expect(database.connections[0]?.closed).toBe(true);
  });

  test("one that dies before create has settled is never handed out", async () => {
    const database = new FakeDatabase();
    let first = true;
    const pool = database.pool({
      max: 1,
      create: async (context) => {
        const connection = await database.create(context);
        if (first) context.lost(new Error("reset by peer"));
        first = false;
        return connection;
      },
    });
    const used = pool.use(({ id }) => id);
    await vi.advanceTimersByTimeAsync(100);
    expect(await used).toBe(2);
    expect(database.connections[0]?.closed).toBe(true);
  });

  test("one that dies while it is validated goes, whatever validate says", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      max: 1,
      validateAfterIdleMs: 0,
      validate: async (connection) => {
        if (connection.id === 1) connection.die();
        return true;
      },
    });
    await pool.start();
    expect(await pool.use(({ id }) => id)).toBe(2);
  });
});

describe("t11-fresh-but-dead", () => {
  test("one broken connection has all idle ones validated at once, also those that were used a moment ago", async () => {
    const database = new FakeDatabase();
    const { validate } = database;
    const pool = database.pool({ max: 4, validate, classify: () => "broken" });
    const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire()]);
    const [one, two, three, four] = leases;
    two?.release();
    three?.release();
    for (const id of [2, 3, 4]) kill(database, id);
    one?.release(new Error("server closed the connection"));
    expect(database.connections[0]?.closed).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(database.pings).toBe(2);
    expect(database.connections.map(({ closed }) => closed)).toEqual([true, true, true, false]);
    // The one that was out is older than the error too: it proves itself before its next use.
    four?.release();
    expect(await pool.use(({ id }) => id)).toBe(5);
    expect(database.connections[3]?.closed).toBe(true);
  });

  test("a connection made after the error is above suspicion, and so is one that proved itself", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, validate: database.validate, classify: () => "broken" });
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    one?.destroy(new Error("gone"));
    two?.release();
    await vi.advanceTimersByTimeAsync(1);
    expect(database.pings).toBe(1);
    await pool.use(() => pool.use(() => {}));
    expect(database.pings).toBe(1);
    expect(database.attempts).toBe(3);
  });

  test("a connection made while another was failing its check is not doubted for it", async () => {
    const database = new FakeDatabase();
    const pinged: number[] = [];
    const pool = database.pool({
      max: 2,
      classify: () => "broken",
      validate: ({ id }) => {
        pinged.push(id);
        return new Promise((_, reject) => setTimeout(reject, 100, new Error("EPIPE")));
      },
    });
    await pool.use(() => {});
    await vi.advanceTimersByTimeAsync(2_000);
    const first = pool.use(({ id }) => id);
    const second = pool.use(({ id }) => id);
    await vi.advanceTimersByTimeAsync(50);
    expect(await first).toBe(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(await second).toBe(2);
    expect(pinged).toEqual([1]);
    await pool.close();
  });

  test("destroy without an error casts no doubt on others", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, validate: database.validate, classify: () => "broken" });
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    two?.release();
    one?.destroy();
    await vi.advanceTimersByTimeAsync(1);
    expect(database.pings).toBe(0);
  });
});

describe("t15-validate-fails", () => {
  test.each<[string, NonNullable<PoolOptions<Connection>["validate"]>]>([
    ["says no", () => false],
    ["rejects", () => Promise.reject(new Error("ping failed"))],
    [
      "throws",
      () => {
        throw new Error("ping threw");
      },
    ],
    ["never settles", () => new Promise(() => {})],
  ])(
    "a validate that %s costs the connection and nothing else: no slot is lost, nothing is unhandled",
    async (_, validate) => {
      const watch = watchProcess();
      const database = new FakeDatabase();
      const pool = database.pool({ max: 1, validate, validateAfterIdleMs: 0, validateTimeoutMs: 100 });
      await pool.use(() => {});
      const used = pool.use(({ id }) => id);
      await vi.advanceTimersByTimeAsync(110);
      expect(await used).toBe(2);
      expect(pool.stats()).toMatchObject({ size: 1, idle: 1, closed: { validation: 1 } });
      await settle();
      expect(watch.faults).toEqual([]);
      watch.stop();
    },
  );

  test("a validate that always says no causes one create for each caller, not a loop of them", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 2, min: 2, validate: () => false, validateAfterIdleMs: 0 });
    for (let turn = 0; turn < 10; turn += 1) await pool.use(() => {});
    await vi.advanceTimersByTimeAsync(1_000);
    expect(database.attempts).toBeLessThanOrEqual(21);
  });

  test("a ping that fails with a broken connection has the others validated too", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      max: 3,
      classify: () => "broken",
      validate: ({ dead }) => (dead ? Promise.reject(new Error("EPIPE")) : true),
    });
    for (const lease of await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()])) lease.release();
    kill(database, 1);
    kill(database, 3);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await pool.use(({ id }) => id)).toBe(2);
    expect(database.open.map(({ id }) => id)).toEqual([2]);
  });
});

describe("t16-destroy-fails", () => {
  test.each<[string, () => unknown]>([
    ["rejects", () => Promise.reject(new Error("no"))],
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    ["never settles", () => new Promise(() => {})],
  ])("a destroy that %s is told in the background and holds up nobody", async (_, destroy) => {
    const watch = watchProcess();
    const events: BackgroundErrorEvent[] = [];
    const note = (event: unknown): void => {
      events.push(event as BackgroundErrorEvent);
    };
    subscribe(CHANNELS.error, note);
    const pool = new FakeDatabase().pool({ max: 1, destroy, destroyTimeoutMs: 50 });
    (await pool.acquire()).destroy();
    expect(await pool.use(({ id }) => id)).toBe(2);
    await vi.advanceTimersByTimeAsync(60);
    expect(events).toMatchObject([{ pool: "pool", phase: "destroy" }]);
    const closed = pool.close();
    await vi.advanceTimersByTimeAsync(60);
    expect(await closed).toEqual({ leaked: [] });
    await settle();
    expect(watch.faults).toEqual([]);
    unsubscribe(CHANNELS.error, note);
    watch.stop();
  });
});

describe("hooks that misbehave", () => {
  test("a classify that throws is told in the background, and the error counts as unknown", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({
      max: 1,
      classify: () => {
        throw new Error("not even this");
      },
    });
    await rejection(pool.use(() => Promise.reject(new Error("x"))));
    expect(database.connections[0]?.closed).toBe(true);
    expect(pool.stats().backgroundErrors).toBe(1);
  });

  test("a listener to states that throws disturbs neither the pool nor the other listeners", async () => {
    const pool = new FakeDatabase().pool();
    const seen: string[] = [];
    pool.onStateChange(() => {
      throw new Error("listener");
    });
    const stop = pool.onStateChange(({ name }, from) => seen.push(`${from.name} → ${name}`));
    await pool.use(() => {});
    stop();
    await pool.close();
    expect(seen).toEqual(["disconnected → connecting", "connecting → connected"]);
    expect(pool.stats().backgroundErrors).toBe(3);
    expect(() => pool.onStateChange(5 as never)).toThrow("listener: expected a function, got 5 (number)");
  });

  test("a reset that never settles loses its connection after validateTimeoutMs", async () => {
    const database = new FakeDatabase();
    const pool = database.pool({ max: 1, reset: () => new Promise(() => {}), validateTimeoutMs: 100 });
    await pool.use(() => {});
    const used = pool.use(({ id }) => id);
    await vi.advanceTimersByTimeAsync(110);
    expect(await used).toBe(2);
  });

  test.each<[string, () => unknown]>([
    [
      "is a function with a then",
      () =>
        withThen(
          () => {},
          () => (resolve: (no: false) => void) => resolve(false),
        ),
    ],
    [
      "throws when it is asked for its then",
      () =>
        withThen({}, () => {
          throw new Error("hostile");
        }),
    ],
  ])(
    "a verdict of validate that %s is a verdict: the connection is closed, the next caller served",
    async (_, verdict) => {
      const database = new FakeDatabase();
      const pool = database.pool({ max: 1, validateAfterIdleMs: 0, validate: verdict });
      await pool.use(() => {});
      expect(await pool.use(({ id }) => id)).toBe(2);
      expect(pool.stats()).toMatchObject({ closed: { validation: 1 }, inUse: 0 });
      await pool.close();
    },
  );

  test("a reset that settles after its timeout changes nothing any more", async () => {
    const database = new FakeDatabase();
    const reset = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
    const pool = database.pool({ max: 1, reset, validateTimeoutMs: 100 });
    await pool.use(() => {});
    await vi.advanceTimersByTimeAsync(300);
    // One more was made to learn how things stand.
    expect(pool.stats()).toMatchObject({ size: 1, checking: 0, idle: 1, closed: { reset: 1 } });
    expect(database.open.map(({ id }) => id)).toEqual([2]);
  });
});

function withThen(value: object, get: () => unknown): object {
  const key = "then";
  return Object.defineProperty(value, key, { get });
}

function kill(database: FakeDatabase, id: number): void {
  const connection = database.connections[id - 1];
  if (connection !== undefined) connection.dead = true;
}
