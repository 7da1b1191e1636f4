import { describe, expect, test } from "vitest";
import { ConnectionPool, type PoolOptions } from "../src/index.ts";

const create = (): object => ({});
const destroy = (): void => {};
const hooks = { create, destroy };

describe("a wrong option is told at construction as what was expected and what came", () => {
  test.each<[unknown, string]>([
    [undefined, "options: expected an object, got undefined"],
    [null, "options: expected an object, got null"],
    [{ destroy }, "create: expected a function, got undefined"],
    [{ create }, "destroy: expected a function, got undefined"],
    [{ ...hooks, validate: "ping" }, "validate: expected a function, got string"],
    [{ ...hooks, reset: [] }, "reset: expected a function, got an array"],
    [{ ...hooks, classify: {} }, "classify: expected a function, got an object"],
    [{ ...hooks, name: "" }, "name: expected a string that is not empty, got string"],
    [{ ...hooks, max: 0 }, "max: expected an integer in 1..100000, got 0 (number)"],
    [{ ...hooks, min: 11 }, "min: expected an integer in 0..10, got 11 (number)"],
    [{ ...hooks, acquireTimeoutMs: 0 }, "acquireTimeoutMs: expected a number of milliseconds in 1..2147483647, got 0"],
    [{ ...hooks, acquireTimeoutMs: Number.POSITIVE_INFINITY }, "got Infinity (number)"],
    [{ ...hooks, createTimeoutMs: 2 ** 31 }, "createTimeoutMs: expected a number"],
    [{ ...hooks, idleTimeoutMs: true }, "in 1..2147483647 or Infinity, got true (boolean)"],
    [{ ...hooks, validateAfterIdleMs: -1 }, "in 1..2147483647, 0 or Infinity, got -1 (number)"],
    [{ ...hooks, maxWaiting: 0 }, "maxWaiting: expected an integer in 1..10000000, got 0 (number)"],
    [{ ...hooks, createConcurrency: 1.5 }, "createConcurrency: expected an integer in 1..100000, got 1.5 (number)"],
    [{ ...hooks, lifetimeJitter: 2 }, "lifetimeJitter: expected a number in 0..1, got 2 (number)"],
    [{ ...hooks, leakStackRatio: Number.NaN }, "leakStackRatio: expected a number in 0..1, got NaN (number)"],
    [{ ...hooks, idleOrder: "random" }, 'idleOrder: expected "lifo" or "fifo", got string'],
    [{ ...hooks, shed: true }, "shed: expected an object, got true (boolean)"],
    [{ ...hooks, shed: { targetMs: 0 } }, "shed.targetMs: expected a number of milliseconds"],
    [{ ...hooks, shed: { target: 5 } }, 'shed: unknown option "target", expected one of targetMs, intervalMs'],
    [
      { ...hooks, acquireTimoutMs: 5 },
      'ConnectionPool: unknown option "acquireTimoutMs", expected one of create, destroy',
    ],
  ])("%o", (options, message) => {
    expect(() => new ConnectionPool(options as PoolOptions<object>)).toThrow(TypeError);
    expect(() => new ConnectionPool(options as PoolOptions<object>)).toThrow(message);
  });
});

test("undefined is as good as not given, and never may be said with Infinity", () => {
  const never = Number.POSITIVE_INFINITY;
  const pool = new ConnectionPool({
    ...hooks,
    max: undefined as never,
    validate: undefined,
    idleTimeoutMs: never,
    maxLifetimeMs: never,
    healthCheckIntervalMs: never,
    leakWarnMs: never,
    unavailableAfterMs: never,
    validateAfterIdleMs: never,
  });
  expect(pool.stats()).toMatchObject({ max: 10, min: 0, name: "pool" });
});

test("hooks may be the methods of an object that needs its own this, and may answer at once", async () => {
  class Factory {
    made = 0;
    create(): { readonly id: number } {
      this.made += 1;
      return { id: this.made };
    }
    destroy(): void {}
  }
  const factory = new Factory();
  const pool = new ConnectionPool({
    create: factory.create.bind(factory),
    destroy: () => factory.destroy(),
    idleTimeoutMs: Number.POSITIVE_INFINITY,
    maxLifetimeMs: Number.POSITIVE_INFINITY,
    healthCheckIntervalMs: Number.POSITIVE_INFINITY,
    leakWarnMs: Number.POSITIVE_INFINITY,
  });
  expect(await pool.use(({ id }) => id)).toBe(1);
  await pool.close();
});
