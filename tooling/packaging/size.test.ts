import { expect, test } from "vitest";
import { budgetFor, overspending, type Size } from "./size.ts";

const size: Size = { packedKb: 10, installedKb: 100, modules: 20, importMs: 5, brings: ["one"] };
const none = { default: { packedKb: 9, installedKb: 100, modules: 20, importMs: 5 }, packages: {} };

test("a package without a row is held to the default", () => {
  expect(overspending("@db/a", size, none)).toEqual(["@db/a: expected packedKb of at most 9, got 10"]);
});

test("what was not measured, and what has no limit, is a fault", () => {
  const unlimited = { ...none, default: { ...none.default, modules: undefined as unknown as number } };
  expect(overspending("@db/a", { ...size, packedKb: 9, importMs: Number.NaN }, unlimited)).toEqual([
    "@db/a: expected modules of at most undefined, got 20",
    "@db/a: expected importMs of at most 5, got NaN",
  ]);
});

test("a budget leaves room for today's size, and none for a package of others more", () => {
  const budget = budgetFor(new Map([["@db/a", size]]), none);
  expect(overspending("@db/a", size, budget)).toEqual([]);
  expect(overspending("@db/a", { ...size, packedKb: 16, brings: ["one", "two"] }, budget)).toEqual([
    "@db/a: expected packedKb of at most 15, got 16",
    "@db/a: expected it to bring [one], got [one, two]",
  ]);
});
