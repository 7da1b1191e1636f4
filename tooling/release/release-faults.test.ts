import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Manifest, Member } from "../checks/workspace.ts";
import type { StagedPackage } from "../packaging/stage.ts";
import { packedFaults, planFaults, provenance, publishFaults } from "./release-faults.ts";

const planned = (name: string) => ({ name, version: "1.0.0", tag: "latest" });
const memberOf = (manifest: Manifest): Member => ({ folder: "packages/a", manifest });

describe("what users could not install", () => {
  test("a package that needs one without a version is named, with what it needs", () => {
    const packages = [
      staged({ name: "@db/a", version: "1.0.0", dependencies: { "@db/b": "^0.0.0" } }),
      staged({ name: "@db/b", version: "0.0.0" }),
    ];
    expect(planFaults([planned("@db/a")], packages)).toEqual([
      "@db/a: needs @db/b, which has no version yet; expected a changeset that names it",
    ]);
    expect(planFaults([], packages)).toEqual([]);
  });

  test("a package that has a version may be needed, whether it is published now or was before", () => {
    const packages = [
      staged({ name: "@db/a", version: "1.0.0", peerDependencies: { "@db/b": "^1.0.0" } }),
      staged({ name: "@db/b", version: "1.0.0" }),
    ];
    expect(planFaults([planned("@db/a")], packages)).toEqual([]);
  });
});

describe("what would be published without having been checked", () => {
  const checked = { "package.json": "{}", "dist/index.js": "1" };
  const packages = [staged({ name: "@db/a", version: "1.0.0" }, checked)];
  const packed = (files: Record<string, string>, version = "1.0.0") => {
    return [{ name: "@db/a", version, tarball: tarballOf({ name: "@db/a", version }, files) }];
  };

  test("nothing, where the tarball is the one that was checked", () => {
    expect(packedFaults(packed(checked), [planned("@db/a")], packages)).toEqual([]);
  });

  test.each([
    ["another file", { ...checked, "dist/index.js": "2" }, "dist/index.js"],
    ["one file more", { ...checked, "test/secret.txt": "" }, "test/secret.txt"],
    ["one file less", { "package.json": "{}" }, "dist/index.js"],
  ])("a tarball with %s", (_what, files, path) => {
    expect(packedFaults(packed(files), [planned("@db/a")], packages)).toEqual([
      `@db/a: expected the ${path} that was checked, got another`,
    ]);
  });

  test("a package of a version that was not checked, and one that was not packed", () => {
    expect(packedFaults(packed(checked, "1.0.1"), [planned("@db/a")], packages)).toEqual([
      "@db/a: expected a package that was checked, got version 1.0.1",
    ]);
    expect(packedFaults([], [planned("@db/a")], packages)).toEqual(["@db/a: expected a tarball, got none"]);
  });
});

describe("what stands in the way of publishing", () => {
  let base: string;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "release-faults-"));
    for (const folder of [".changeset", "packages/a"]) mkdirSync(join(base, folder), { recursive: true });
    writeManifest({ name: "@db/a", version: "1.0.0" });
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const members = [memberOf({ name: "@db/a", version: "1.0.0" })];

  test("nothing, where the changesets are applied", () => {
    writeFileSync(join(base, ".changeset/README.md"), "");
    expect(publishFaults(base, members, {})).toEqual([]);
  });

  test("changesets that are not applied", () => {
    writeFileSync(join(base, ".changeset/some-change.md"), "");
    expect(publishFaults(base, members, {})[0]).toContain("expected the changesets to be applied");
  });

  test("a package that no changeset has named", () => {
    expect(publishFaults(base, [memberOf({ name: "@db/a", version: "0.0.0" })], {})).toEqual([
      '@db/a: expected a changeset that names it, or "private": true, got neither',
    ]);
  });

  test("with provenance, a package that does not say where it comes from", () => {
    const env = { [provenance]: "true" };
    expect(publishFaults(base, members, env)[0]).toContain("@db/a: expected a repository in package.json");
    writeManifest({ name: "@db/a", version: "1.0.0", repository: "https://forge.example/db" });
    expect(publishFaults(base, members, env)).toEqual([]);
  });

  function writeManifest(manifest: object): void {
    writeFileSync(join(base, "packages/a/package.json"), JSON.stringify(manifest));
  }
});

function staged(manifest: Manifest, files: Readonly<Record<string, string>> = {}): StagedPackage {
  return { member: memberOf(manifest), tarball: tarballOf(manifest, files) };
}

function tarballOf(manifest: Manifest, files: Readonly<Record<string, string>>): StagedPackage["tarball"] {
  const contents = Object.entries(files).map(([path, content]) => [path, Buffer.from(content)] as const);
  return { file: "", manifest, files: new Map(contents), bytes: 0 };
}
