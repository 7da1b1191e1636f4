import { expect, test } from "vitest";

test("the names that @db/surreal exports are these", async () => {
  expect(Object.keys(await import("@db/surreal")).sort()).toEqual(["surreal"]);
});
