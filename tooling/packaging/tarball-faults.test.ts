import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Manifest } from "../checks/workspace.ts";
import { tarballChecks } from "./tarball-faults.ts";

const map = JSON.stringify({ sources: ["../src/index.ts"] });
const good: Readonly<Record<string, string>> = {
  "src/index.ts": 'import { one } from "@db/core";',
  "dist/index.js": "",
  "dist/index.js.map": map,
  "dist/index.d.ts": "",
  "dist/index.d.ts.map": map,
  "README.md": "",
  LICENSE: "MIT",
  "package.json": "{}",
};
const exports = { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } };
const manifest: Manifest = { name: "@db/a", version: "1.0.0", license: "MIT", exports };

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "tarball-faults-"));
  mkdirSync(join(base, "packages/a/src"), { recursive: true });
  writeFileSync(join(base, "packages/a/src/index.ts"), "");
  writeFileSync(join(base, "LICENSE"), "MIT");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** What the checks say that need no other program, of a good tarball with these changes. */
async function faults(files: Readonly<Record<string, string>>, published: Partial<Manifest> = {}): Promise<string[]> {
  const contents = Object.entries({ ...good, ...files }).map(([path, text]) => [path, Buffer.from(text)] as const);
  const tarball = { file: "", manifest: { ...manifest, ...published }, files: new Map(contents), bytes: 0 };
  const member = { folder: "packages/a", manifest: { ...manifest, publishConfig: { exports } } };
  const found = await Promise.all(tarballChecks.slice(0, -2).map((check) => check.faults({ member, tarball }, base)));
  return found.flat();
}

test("a good tarball has none", async () => {
  expect(await faults({})).toEqual([]);
});

test.each<[string, Record<string, string>, Partial<Manifest>, string]>([
  ["a file more", { "test/a.ts": "" }, {}, "expected no other file, got test/a.ts"],
  ["another licence", { LICENSE: "GPL" }, {}, "expected LICENSE to be that of the repository"],
  ["another licence by name", {}, { license: "GPL-3.0" }, "expected the licence MIT, got GPL-3.0"],
  ["a pinned dependency", {}, { dependencies: { "@db/b": "1.0.0" } }, "expected a range such as ^X.Y.Z for @db/b"],
  ["another version", {}, { version: "2.0.0" }, "expected version 1.0.0, got 2.0.0"],
  ["doors to its sources", {}, { exports: { ".": "./src/index.ts" } }, "expected exports to lead to dist"],
  ["a map that leads nowhere", { "dist/index.js.map": '{ "sources": ["../b.ts"] }' }, {}, "got b.ts"],
  ["a runner of tests", { "dist/index.js": 'import "vitest";' }, {}, "to import no test tool, got vitest"],
  ["a part of one", { "dist/index.js": 'import "vitest/node";' }, {}, "to import no test tool, got vitest/node"],
  ["the runner of Node", { "dist/index.js": 'import "node:test";' }, {}, "to import no test tool, got node:test"],
  ["a test", { "dist/index.js": 'import "./a.test.js";' }, {}, "to import no test tool, got ./a.test.js"],
])("a tarball with %s is refused", async (_what, files, published, sentence) => {
  expect(await faults(files, published)).toContainEqual(expect.stringContaining(sentence));
});
