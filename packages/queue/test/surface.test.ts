import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/queue")).sort()).toEqual([
    "CHANNELS",
    "MemoryStore",
    "WriteQueue",
    "json",
    "liveQueues",
  ]);
});
