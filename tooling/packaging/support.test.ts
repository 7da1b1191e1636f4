import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publishedMembers, readCatalog, root } from "../checks/workspace.ts";
import { oldest } from "./toolchains.ts";

const page = readFileSync(join(root, "docs/support.md"), "utf8");
const row = (title: string): string => page.split("\n").find((line) => line.startsWith(`| ${title} |`)) ?? "";

test("the support table names the oldest Node that packages allow, and the ones that are tested", () => {
  const engines = new Set(publishedMembers().map(({ manifest }) => manifest.engines?.node));
  expect([...engines]).toEqual([">=22.15"]);
  expect(row("Node.js")).toContain("22.15 and later");
  expect(row("Node.js")).toContain(`${oldest.node} and ${readCatalog().get("node")}`);
});

test("the support table names the compilers that are tested", () => {
  expect(row("TypeScript")).toContain(`${oldest.typescript} and ${readCatalog().get("typescript")}`);
});

test("the support table names the engine and the SDK that are tested", () => {
  expect(row("SurrealDB, embedded")).toContain(readCatalog().get("@surrealdb/node"));
  expect(row("SurrealDB SDK")).toContain(readCatalog().get("surrealdb"));
});

test("the workflows test every line of Node in the table", () => {
  const ci = readFileSync(join(root, ".github/workflows/ci.yml"), "utf8");
  expect(ci).toContain(`node: ["${oldest.node}", "22", "24", "26"]`);
  expect(row("Node.js")).toMatch(/also 26/);
});
