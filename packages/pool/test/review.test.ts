import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConnectionPool } from "../src/index.ts";
import { watchProcess } from "./support/database.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ["false", () => false],
  [
    "a broken error",
    () => {
      throw new Error("gone");
    },
  ],
])(
  "thousands of idle connections that all fail their check with %s at once leave the counts right",
  async (_, verdict) => {
    let sound = true;
    const pool = new ConnectionPool({
      max: 3_000,
      createConcurrency: 3_000,
      validateAfterIdleMs: 10,
      create: async () => ({}),
      destroy: () => {},
      validate: () => sound || verdict(),
      classify: () => "broken" as const,
    });
    const leases = Promise.all(Array.from({ length: 3_000 }, () => pool.acquire()));
    await vi.advanceTimersByTimeAsync(1_000);
    for (const lease of await leases) lease.release();
    sound = false;
    await vi.advanceTimersByTimeAsync(1_000);
    const next = pool.acquire();
    sound = true;
    await vi.advanceTimersByTimeAsync(2_000);
    (await next).release();
    expect(pool.stats()).toMatchObject({ inUse: 0, waiting: 0 });
    const closing = pool.close();
    await vi.advanceTimersByTimeAsync(1);
    expect(await closing).toEqual({ leaked: [] });
  },
);

test("a controller passed for its signal is refused before anything else, and costs nobody a connection", async () => {
  const pool = new ConnectionPool({ max: 1, create: async () => ({}), destroy: () => {} });
  const lease = await pool.acquire();
  const mistake = new AbortController() as unknown as AbortSignal;
  await expect(pool.acquire({ signal: mistake })).rejects.toThrow(/signal: expected an AbortSignal/);
  lease.release();
  (await pool.acquire()).release();
  await pool.close();
});

test("a classify or a state listener that rejects is no unhandled rejection", async () => {
  vi.useRealTimers();
  const watch = watchProcess();
  const pool = new ConnectionPool({
    max: 1,
    create: async () => ({}),
    destroy: () => {},
    classify: (async () => {
      throw new Error("async by mistake");
    }) as never,
  });
  pool.onStateChange((async () => {
    throw new Error("async by mistake");
  }) as never);
  const lease = await pool.acquire();
  lease.release(new Error("any"));
  await pool.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(watch.faults).toEqual([]);
  watch.stop();
});

test("a destroy that reports the loss of the others destroys each once", async () => {
  const lost: (() => void)[] = [];
  let destroyed = 0;
  const pool = new ConnectionPool({
    max: 3,
    create: async ({ lost: tell }) => lost.push(() => tell(new Error("shared transport"))),
    destroy: () => {
      destroyed += 1;
      for (const tell of lost.splice(0)) tell();
    },
  });
  const leases = await Promise.all([pool.acquire(), pool.acquire(), pool.acquire()]);
  for (const lease of leases) lease.release();
  await pool.close();
  expect(destroyed).toBe(3);
});
