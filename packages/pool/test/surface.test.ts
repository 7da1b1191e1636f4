import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/pool")).sort()).toEqual([
    "CHANNELS",
    "ConnectionPool",
    "PoolError",
    "isPoolError",
    "livePools",
  ]);
});
