import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/metrics")).sort()).toEqual([
    "instrument",
    "sanitizeQuery",
    "summarizeQuery",
    "watchSlowCalls",
  ]);
  expect(Object.keys(await import("@db/metrics/prometheus"))).toEqual(["prometheus"]);
});
