import { describe, expect, test } from "vitest";
import { readPackageFacts } from "./package-facts.ts";
import { deviations, type PackageFacts } from "./shape.ts";
import { listMembers, type Manifest } from "./workspace.ts";

describe("the packages have the standard shape", () => {
  const members = listMembers(["packages", "apps", "tooling"]);
  const packages = members.filter(({ folder }) => folder.startsWith("packages/"));

  test("there are packages to look at", () => {
    expect(packages.length).toBeGreaterThan(0);
  });

  test.each(packages.map((member) => [member.folder, member] as const))("%s", (_, member) => {
    expect(deviations(readPackageFacts(member, members))).toEqual([]);
  });
});

describe("deviations", () => {
  const manifest: Manifest = {
    name: "@db/part",
    description: "A part.",
    license: "MIT",
    type: "module",
    sideEffects: false,
    engines: { node: ">=22.15" },
    files: ["dist", "!dist/.tsbuildinfo", "src"],
    exports: { ".": "./src/index.ts", "./layer": "./src/layer.ts", "./package.json": "./package.json" },
    publishConfig: {
      access: "public",
      exports: {
        ".": { types: "./dist/index.d.ts", default: "./dist/index.js" },
        "./layer": { types: "./dist/layer.d.ts", default: "./dist/layer.js" },
        "./package.json": "./package.json",
      },
    },
    scripts: { build: "tsc -b" },
    peerDependencies: { "@db/core": "workspace:^", ws: "^8" },
    devDependencies: { "@db/core": "workspace:^", ws: "catalog:" },
  };
  const good: PackageFacts = {
    member: { folder: "packages/part", manifest },
    files: ["package.json", "README.md", "tsconfig.json", "src/index.ts", "src/layer.ts", "test/surface.test.ts"],
    readme: "# @db/part\n\nText.\n",
    tsconfig: { extends: "../../tooling/tsconfig/library.json", references: [{ path: "../core" }] },
    rootReferences: ["packages/core", "packages/part"],
    members: ["@db/core", "@db/part"],
  };

  function check(change: Partial<PackageFacts>, manifestChange: Partial<Manifest> = {}): string {
    const member = { folder: "packages/part", manifest: { ...manifest, ...manifestChange } };
    return deviations({ ...good, member, ...change }).join("\n");
  }

  test("the standard shape has none", () => {
    expect(check({})).toBe("");
  });

  test("folders of data that are published have none either", () => {
    const files = [...good.files, "dashboards/a.json"];
    expect(check({ files }, { files: [...(manifest.files ?? []), "dashboards"] })).toBe("");
  });

  test.each<[string, Partial<PackageFacts>, string]>([
    ["a missing file", { files: good.files.filter((file) => file !== "README.md") }, "expected a file README.md"],
    ["a missing surface test", { files: ["src/index.ts"] }, "expected a file test/surface.test.ts"],
    ["a test beside the source", { files: [...good.files, "src/a.test.ts"] }, "got src/a.test.ts"],
    ["the README of another package", { readme: "# @db/template\n" }, 'got "# @db/template"'],
    ["no reference from the root", { rootReferences: [] }, "expected a reference to packages/part"],
    ["a missing reference", { tsconfig: { ...good.tsconfig, references: [] } }, "to be [../core] as in package.json"],
    ["own compiler flags", { tsconfig: { references: [{ path: "../core" }] } }, "to extend"],
    [
      "a door without its file",
      { files: good.files.filter((file) => file !== "src/layer.ts") },
      "./src/layer.ts, to exist",
    ],
  ])("%s is one", (_, change, message) => {
    expect(check(change)).toContain(message);
  });

  test.each<[string, Partial<Manifest>, string]>([
    ["another name", { name: "@db/other" }, 'expected name of package.json to be "@db/part"'],
    ["a file list without src", { files: ["dist"] }, "expected files of package.json"],
    [
      "a folder of data that is not there",
      { files: ["dist", "!dist/.tsbuildinfo", "src", "data"] },
      "expected data of files in package.json to be a folder with files",
    ],
    ["side effects", { sideEffects: true }, "expected sideEffects of package.json to be false"],
    ["no description", { description: "" }, "expected a description"],
    ["another build", { scripts: { build: "esbuild" } }, "expected the script build"],
    ["a peer that its tests lack", { devDependencies: {} }, "expected the peer @db/core"],
    ["a door that only users have", { exports: { ".": "./src/index.ts" } }, 'expected exports["./layer"]'],
    ["a door that only the workspace has", { publishConfig: { access: "public" } }, 'publishConfig.exports["./layer"]'],
    ["a door to a built file", { exports: { ".": "./dist/index.js" } }, 'expected exports["."] to be'],
  ])("%s is one", (_, change, message) => {
    expect(check({}, change)).toContain(message);
  });
});
