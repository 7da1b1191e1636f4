import { expect, test } from "vitest";

test("the public surface is exactly this", async () => {
  expect(Object.keys(await import("@db/testing")).sort()).toEqual([
    "FaultProxy",
    "MockDatabase",
    "describeDriver",
    "startSurreal",
  ]);
  expect(Object.keys(await import("@db/testing/surreal")).sort()).toEqual(["serveSurreal"]);
  expect(Object.keys(await import("@db/testing/containers")).sort()).toEqual([
    "OFFICIAL_IMAGE",
    "missingContainerEngine",
    "startSurrealContainer",
  ]);
});
