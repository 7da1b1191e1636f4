import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CHANNELS, isPoolError, livePools, PoolError } from "../src/index.ts";
import { FakeDatabase, rejection } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function record(names: readonly string[], run: () => Promise<void>): Promise<readonly object[]> {
  const events: object[] = [];
  const notes = names.map((name) => (event: unknown): void => {
    events.push({ channel: name, ...(event as object) });
  });
  names.forEach((name, index) => {
    subscribe(name, notes[index] ?? (() => {}));
  });
  await run();
  names.forEach((name, index) => {
    unsubscribe(name, notes[index] ?? (() => {}));
  });
  return events;
}

describe("the channels", () => {
  test("tell of connections made and closed, of states and of timeouts, always with the pool's name", async () => {
    const { created, closed, state, timeout } = CHANNELS;
    const events = await record([created, closed, state, timeout], async () => {
      const pool = new FakeDatabase().pool({ name: "orders", max: 1 });
      const lease = await pool.acquire();
      const late = rejection(pool.acquire({ timeoutMs: 10, label: "late" }));
      await vi.advanceTimersByTimeAsync(20);
      await late;
      lease.destroy();
      await pool.close();
    });
    expect(events).toMatchObject([
      { channel: "db:pool:state", pool: "orders", from: "disconnected", to: { name: "connecting" } },
      { channel: "db:pool:created", pool: "orders", durationMs: expect.any(Number) },
      { channel: "db:pool:state", pool: "orders", from: "connecting", to: { name: "connected" } },
      { channel: "db:pool:timeout", pool: "orders", error: { code: "ACQUIRE_TIMEOUT", facts: { label: "late" } } },
      { channel: "db:pool:closed", pool: "orders", reason: "error", lifetimeMs: expect.any(Number) },
      { channel: "db:pool:state", pool: "orders", from: "connected", to: { name: "closed" } },
    ]);
  });

  test("tell how long who waited did, and how long each lease was out, however it ended", async () => {
    const { wait, release } = CHANNELS;
    const events = await record([wait, release], async () => {
      const pool = new FakeDatabase().pool({ name: "orders", max: 1 });
      const first = await pool.acquire();
      const second = pool.acquire();
      await vi.advanceTimersByTimeAsync(30);
      first.release();
      (await second).destroy();
      await pool.close();
    });
    expect(events).toEqual([
      { channel: "db:pool:wait", pool: "orders", waitedMs: 0 },
      { channel: "db:pool:release", pool: "orders", usedMs: 30 },
      { channel: "db:pool:wait", pool: "orders", waitedMs: 30 },
      { channel: "db:pool:release", pool: "orders", usedMs: 0 },
    ]);
  });

  test("trace an acquire without the lease that comes of it", async () => {
    const channel = tracingChannel(CHANNELS.acquire);
    const seen: object[] = [];
    const note = (event: unknown): void => void seen.push(event as object);
    channel.asyncEnd.subscribe(note);
    const pool = new FakeDatabase().pool();
    const lease = await pool.acquire();
    channel.asyncEnd.unsubscribe(note);
    expect(seen.map((event) => "result" in event && event.result)).toEqual([undefined]);
    lease.release();
  });

  test("trace an acquire from the call to its end, in success and in failure", async () => {
    const channel = tracingChannel(CHANNELS.acquire);
    const seen: string[] = [];
    const note = (point: string) => (event: object) => {
      const { pool, label } = event as { readonly pool: string; readonly label: string };
      seen.push(`${point} ${pool} ${label}`);
    };
    const subscribers = {
      start: note("start"),
      end: note("end"),
      asyncStart: note("asyncStart"),
      asyncEnd: note("asyncEnd"),
      error: note("error"),
    };
    channel.subscribe(subscribers);
    const pool = new FakeDatabase().pool({ max: 1 });
    const lease = await pool.acquire({ label: "a" });
    const late = rejection(pool.acquire({ label: "b", timeoutMs: 5 }));
    await vi.advanceTimersByTimeAsync(10);
    expect(await late).toMatchObject({ code: "ACQUIRE_TIMEOUT" });
    channel.unsubscribe(subscribers);
    lease.release();
    expect(seen).toEqual([
      "start pool a",
      "end pool a",
      "asyncStart pool a",
      "asyncEnd pool a",
      "start pool b",
      "end pool b",
      "error pool b",
      "asyncStart pool b",
      "asyncEnd pool b",
    ]);
  });
});

describe("the registry", () => {
  test("shows pools to whoever looks later, until they are closed", async () => {
    const pool = new FakeDatabase().pool({ name: "found later" });
    const found = (): boolean => livePools().some(({ name }) => name === "found later");
    expect(found()).toBe(true);
    expect(
      livePools()
        .find(({ name }) => name === "found later")
        ?.stats(),
    ).toMatchObject({ size: 0 });
    await pool.close();
    expect(found()).toBe(false);
  });

  test("is not disturbed by components of other kinds, nor by what was collected", () => {
    const registry = (globalThis as { [key: symbol]: Set<object> | undefined })[Symbol.for("@db/components")];
    const other = { deref: () => ({ kind: "queue" }) };
    const gone = { deref: () => undefined };
    registry?.add(other).add(gone);
    const before = livePools().length;
    new FakeDatabase().pool();
    expect(livePools()).toHaveLength(before + 1);
    expect(registry?.has(gone)).toBe(false);
    registry?.delete(other);
  });
});

test("the counters tell what happened", async () => {
  const database = new FakeDatabase();
  const pool = database.pool({ max: 1 });
  const held = await pool.acquire();
  const controller = new AbortController();
  const aborted = rejection(pool.acquire({ signal: controller.signal }));
  controller.abort();
  await aborted;
  const waited = pool.acquire();
  await vi.advanceTimersByTimeAsync(30);
  held.release();
  (await waited).release();
  expect(pool.stats()).toMatchObject({
    acquired: 2,
    waited: 2,
    waitedMs: 30,
    aborted: 1,
    created: 1,
    createFailures: 0,
  });
});

test("an error of another copy of the package is told by its mark", () => {
  const error = new PoolError("POOL_CLOSED", "closed");
  expect(isPoolError(error)).toBe(true);
  expect(isPoolError(Object.defineProperty({}, Symbol.for("@db/pool/error"), { value: true }))).toBe(true);
  expect([undefined, null, "POOL_CLOSED", new Error("x"), { code: "POOL_CLOSED" }].some(isPoolError)).toBe(false);
  expect(Object.keys(error)).not.toContain("Symbol(@db/pool/error)");
});

test("connections() shows each as it is, the oldest first", async () => {
  const database = new FakeDatabase();
  const pool = database.pool({ max: 2 });
  const first = await pool.acquire({ label: "report" });
  await vi.advanceTimersByTimeAsync(1_000);
  (await pool.acquire()).release();
  await vi.advanceTimersByTimeAsync(500);
  expect(pool.connections()).toEqual([
    { state: "leased", ageMs: 1_500, sinceMs: 1_500, label: "report" },
    { state: "idle", ageMs: 500, sinceMs: 500, label: undefined },
  ]);
  first.release();
  await pool.close();
  expect(pool.connections()).toEqual([]);
});
