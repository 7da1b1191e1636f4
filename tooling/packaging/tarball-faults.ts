import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { findImports } from "../checks/imports.ts";
import { packageOf } from "../checks/sources.ts";
import { listSources, type Member } from "../checks/workspace.ts";
import { tryToRun } from "./command.ts";
import type { StagedPackage } from "./stage.ts";
import type { Tarball } from "./tarball.ts";

/** One thing that is asked of every tarball. Its answer is what is wrong, each as one sentence. */
export interface TarballCheck {
  readonly promise: string;
  readonly faults: (staged: StagedPackage, base: string) => readonly string[] | Promise<readonly string[]>;
}

/** All that a tarball must pass before it is published; consumers' checks come on top. */
export const tarballChecks: readonly TarballCheck[] = [
  {
    promise: "holds its sources, what they compile to, README, LICENSE and package.json, nothing else",
    faults: contents,
  },
  { promise: "carries the licence of the repository", faults: licence },
  { promise: "opens its doors to dist, and names its dependencies by range", faults: manifest },
  { promise: "has source maps that lead to its own sources", faults: sourceMaps },
  { promise: "has no test code", faults: testCode },
  { promise: "satisfies publint, suggestions included", faults: publintMessages },
  { promise: "has types that resolve (attw)", faults: types },
];

function contents({ member, tarball }: StagedPackage, base: string): readonly string[] {
  const sources = listSources(member, "src", base);
  const built = sources.flatMap((source) => {
    const noun = source.replace(/^src\/(.*)\.ts$/, "dist/$1");
    return [`${noun}.js`, `${noun}.js.map`, `${noun}.d.ts`, `${noun}.d.ts.map`];
  });
  const expected = new Set([...sources, ...built, ...dataFiles(member, base), "README.md", "LICENSE", "package.json"]);
  // Written by changesets with the first version that one names.
  const missing = [...expected].filter((path) => !tarball.files.has(path));
  const extra = [...tarball.files.keys()].filter((path) => !expected.has(path) && path !== "CHANGELOG.md");
  return [
    ...missing.map((path) => `expected a file ${path}, got none`),
    ...extra.map((path) => `expected no other file, got ${path}`),
  ];
}

/** Of the folders that package.json publishes beside code, such as dashboards. */
function dataFiles({ folder, manifest }: Member, base: string): readonly string[] {
  const folders = (manifest.files ?? []).filter((entry) => !entry.startsWith("!") && !["dist", "src"].includes(entry));
  return folders.flatMap((data) => globSync(`${data}/**/*.*`, { cwd: join(base, folder) }));
}

function licence({ tarball }: StagedPackage, base: string): readonly string[] {
  const ours = readFileSync(join(base, "LICENSE"), "utf8");
  const found = textOf(tarball, "LICENSE") === ours ? [] : ["expected LICENSE to be that of the repository"];
  if (tarball.manifest.license !== "MIT") found.push(`expected the licence MIT, got ${tarball.manifest.license}`);
  return found;
}

function manifest({ member, tarball }: StagedPackage): readonly string[] {
  const { exports, dependencies, peerDependencies, version = "" } = tarball.manifest;
  const [want, got] = [JSON.stringify(member.manifest.publishConfig?.exports), JSON.stringify(exports)];
  const found = want === got ? [] : [`expected exports to be publishConfig.exports, ${want}, got ${got}`];
  if (got?.includes("./src/") === true) found.push(`expected exports to lead to dist, got ${got}`);
  if (version !== member.manifest.version) found.push(`expected version ${member.manifest.version}, got ${version}`);
  for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
    // A pinned version would keep fixes from users, and give them a second copy of what they have already.
    if (!/^(\^\d+\.\d+\.\d+|>=\d+\.\d+\.\d+ <\d+(\.\d+\.\d+)?)$/.test(range)) {
      found.push(`expected a range such as ^X.Y.Z for ${name}, got ${range}`);
    }
  }
  return found;
}

function sourceMaps({ tarball }: StagedPackage): readonly string[] {
  return [...tarball.files.keys()]
    .filter((path) => path.endsWith(".map"))
    .flatMap((path) => {
      const map: unknown = JSON.parse(textOf(tarball, path));
      const sources = typeof map === "object" && map !== null && "sources" in map ? map.sources : undefined;
      if (!Array.isArray(sources) || sources.length === 0) return [`expected ${path} to name its sources, got none`];
      return sources
        .map((source) => posix.join(posix.dirname(path), String(source)))
        .filter((source) => !tarball.files.has(source))
        .map((source) => `expected ${path} to lead to a file of the package, got ${source}`);
    });
}

const testTools = ["vitest", "node:test", "fast-check", "@db/bench"];

/** The suite for drivers in `@db/testing` is handed its runner, so it too imports none. */
function testCode({ tarball }: StagedPackage): readonly string[] {
  return [...tarball.files.keys()]
    .filter((path) => /\.(js|ts)$/.test(path))
    .flatMap((path) =>
      findImports(textOf(tarball, path))
        .filter(({ specifier }) => testTools.includes(packageOf(specifier)) || /\.test\.(js|ts)$/.test(specifier))
        .map(({ specifier }) => `expected ${path} to import no test tool, got ${specifier}`),
    );
}

async function publintMessages({ tarball }: StagedPackage): Promise<readonly string[]> {
  const { buffer } = new Uint8Array(readFileSync(tarball.file));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => formatMessage(message, pkg) ?? message.code);
}

async function types({ tarball }: StagedPackage, base: string): Promise<readonly string[]> {
  const command = ["attw", "--profile", "esm-only", "--format", "ascii", tarball.file] as const;
  const { exitCode, output } = await tryToRun(command, base);
  // It is content with a package that has no types at all; otherwise it reports on each door.
  return exitCode === 0 && output.includes("node16 (from ESM): 🟢 (ESM)") ? [] : [output.trim()];
}

function textOf(tarball: Tarball, path: string): string {
  return tarball.files.get(path)?.toString("utf8") ?? "";
}
