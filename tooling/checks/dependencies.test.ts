import { describe, expect, test } from "vitest";
import { allowed } from "./allowed.ts";
import { type Rules, violations } from "./dependencies.ts";
import { findImports } from "./imports.ts";
import { readSources } from "./sources.ts";
import { listMembers, type Manifest, type Member } from "./workspace.ts";

describe("the packages depend on what the table allows", () => {
  const members = listMembers(["packages", "apps", "tooling"]);
  const checked = members.filter(({ folder }) => !folder.startsWith("tooling/") || folder === "tooling/template");

  test.each(checked.map((member) => [member.folder, member] as const))("%s", (_, member) => {
    const files = readSources(member, ["src", "test", "bench"]);
    expect(violations({ member, files }, { allowed, members })).toEqual([]);
  });
});

describe("violations", () => {
  const core = memberOf({ name: "@db/core", exports: { ".": "./src/index.ts" } });
  const kit = memberOf({ name: "@db/kit", private: true, exports: { ".": "./src/index.ts" } });
  const rules: Rules = {
    allowed: {
      "@db/part": { dependencies: ["semver"], peers: ["@db/core"], optionalPeers: ["ws"], types: ["spec"] },
    },
    members: [core, kit],
  };
  const manifest: Manifest = {
    name: "@db/part",
    exports: { ".": "./src/index.ts", "./remote": "./src/remote.ts" },
    dependencies: { semver: "1" },
    peerDependencies: { "@db/core": "1", ws: "1", spec: "1" },
    peerDependenciesMeta: { ws: { optional: true }, spec: { optional: true } },
  };

  function check(files: Readonly<Record<string, string>>, change: Partial<Manifest> = {}): string {
    return violations(
      {
        member: memberOf({ ...manifest, ...change }),
        files: Object.entries(files).map(([path, text]) => ({ path, imports: findImports(text) })),
      },
      rules,
    ).join("\n");
  }

  test("what the table allows passes", () => {
    const files = {
      "src/index.ts": 'import fs from "node:fs"; import "semver"; import "@db/core"; import "./other.ts";',
      "src/other.ts": 'import type { A } from "spec"; const lazy = import("ws"); import pkg from "../package.json";',
      "src/remote.ts": 'import ws from "ws";',
      "test/other.test.ts": 'import "../src/other.ts"; import "vitest"; import "@db/kit"; import "@db/part/remote";',
    };
    expect(check(files)).toBe("");
  });

  test.each([
    ["an import outside the table", { "src/a.ts": 'import "pino";' }, "expected imports within"],
    ["OpenTelemetry", { "src/a.ts": 'import type { A } from "@opentelemetry/api";' }, "got @opentelemetry/api"],
    ["a lazy import outside the table", { "src/a.ts": 'await import("pino");' }, "got pino"],
    ["a re-export outside the table", { "src/a.ts": 'export * from "pino";' }, "got pino"],
    ["a private package", { "src/a.ts": 'import "@db/kit";' }, "@db/kit is private"],
    ["another package's files", { "src/a.ts": 'import "@db/core/src/error.ts";' }, "one of the exports of @db/core"],
    ["another package's files, in a test", { "test/a.ts": 'import "@db/core/src/a.ts";' }, "one of the exports"],
    ["a path out of src", { "src/a.ts": 'import "../test/b.ts";' }, "stay within packages/part/src"],
    ["a path into another package", { "src/a.ts": 'import "../../core/src/a.ts";' }, "stay within packages/part"],
    ["a path out of the package, in a test", { "test/a.ts": 'import "../../core/src/a.ts";' }, "stay within"],
    ["an absolute path", { "src/a.ts": 'import "/etc/a.ts";' }, "got /etc/a.ts"],
    ["the own name", { "src/a.ts": 'import "@db/part";' }, "relative import of the own package"],
    ["a types-only package at run time", { "src/a.ts": 'import "spec";' }, "expected `import type` of spec"],
    ["an optional peer in the main entry", { "src/index.ts": 'import "ws";' }, "src/index.ts must not load it"],
    [
      "an optional peer behind the main entry",
      { "src/index.ts": 'export { b } from "./b.ts";', "src/b.ts": 'import "ws";' },
      "packages/part/src/b.ts: ws is an optional peer",
    ],
  ] as const)("%s is refused", (_, files, message) => {
    expect(check(files)).toContain(message);
  });

  test.each([
    ["a dependency outside the table", { dependencies: { pino: "1" } }, "dependencies within [semver], got pino"],
    ["a peer outside the table", { peerDependencies: { pino: "1" } }, "expected peerDependencies within"],
    ["an optional peer made mandatory", { peerDependenciesMeta: {} }, "within [@db/core], got ws"],
    ["a private dependency", { dependencies: { "@db/kit": "1" } }, "@db/kit is private"],
  ] as const)("%s is refused", (_, change, message) => {
    expect(check({}, change)).toContain(message);
  });

  test("an import that package.json does not list is refused", () => {
    expect(check({ "src/a.ts": 'import "semver";' }, { dependencies: {} })).toContain("expected semver among");
  });

  test("a package without a row is told to add one", () => {
    expect(check({}, { name: "@db/fresh" })).toContain("add one that says what it may depend on");
  });

  test("a private program may import what it likes, through front doors alone", () => {
    expect(check({ "src/a.ts": 'import "pino";' }, { private: true })).toBe("");
    expect(check({ "src/a.ts": 'import "@db/core/src/a.ts";' }, { private: true })).toContain("exports of @db/core");
  });
});

function memberOf(manifest: Manifest): Member {
  return { folder: `packages/${manifest.name.slice("@db/".length)}`, manifest };
}
