import { expect, test } from "vitest";
import { type InstalledPackage, strangers } from "./installed.ts";

const allowed = {
  "@db/a": { dependencies: ["one"], peers: ["@db/core"], optionalPeers: ["optional"] },
  "@db/core": { dependencies: ["two"] },
};

test("what the table gives, and what that brings, is expected", () => {
  const installed = [of("@db/a"), of("@db/core"), of("one", "deep"), of("deep"), of("two")];
  expect(strangers("@db/a", installed, allowed)).toEqual([]);
});

test("an optional peer, another package of ours and a dependency beyond the table are strangers", () => {
  const installed = [of("@db/a", "sneaked"), of("optional"), of("@db/b"), of("sneaked")];
  expect(strangers("@db/a", installed, allowed)).toEqual(["optional", "@db/b", "sneaked"]);
});

function of(name: string, ...needs: string[]): InstalledPackage {
  return { name, version: "1.0.0", license: "MIT", needs };
}
