import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allowed } from "../checks/allowed.ts";
import { entryOf } from "../checks/sources.ts";
import { type Member, publishedMembers, readCatalog, root } from "../checks/workspace.ts";
import { tryToRun } from "./command.ts";
import { Consumer, listExports, type Resolution, type Shelf } from "./consumer.ts";
import { type Door, doorsOf } from "./doors.ts";
import { listInstalled, strangers } from "./installed.ts";
import { freeLicences } from "./licences.ts";
import { type ReadmeExample, readReadme } from "./readme-examples.ts";
import { formatSizes, measure, overspending, readBudget, type Size } from "./size.ts";
import { readTarball, type Tarball } from "./tarball.ts";
import { prepareToolchains, type Toolchains } from "./toolchains.ts";

const members = publishedMembers();
const isRepository = existsSync(join(root, ".git"));
let folder: string;
let treeBefore: string;
let dryRun: { readonly exitCode: number; readonly output: string };
let shelf: Shelf;
let toolchains: Toolchains;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "db-packaging-"));
  const out = join(folder, "tarballs");
  treeBefore = changesOfTree();
  dryRun = await tryToRun(["npm", "run", "--silent", "release", "--", "--dry-run", "--out", out], root);
  const tarballs = globSync("*.tgz", { cwd: out }).map((file) => readTarball(join(out, file)));
  shelf = {
    tarballs: new Map(tarballs.map((tarball) => [tarball.manifest.name, tarball])),
    catalog: readCatalog(),
  };
  toolchains = await prepareToolchains();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("`npm run release -- --dry-run`", () => {
  test("versions, builds, packs and checks every package, and says what it would publish", () => {
    expect(dryRun.output).toContain("Nothing was published.");
    for (const { manifest } of members)
      expect(dryRun.output).toMatch(new RegExp(`^${manifest.name} +\\d+\\.\\d+`, "m"));
    expect(dryRun.exitCode, dryRun.output).toBe(0);
    expect([...shelf.tarballs.keys()].sort()).toEqual(members.map(({ manifest }) => manifest.name).sort());
  });

  test.runIf(isRepository)("leaves the tree as it was", () => {
    expect(changesOfTree()).toBe(treeBefore);
  });

  test("interrupted, it leaves nothing behind and says by what", async () => {
    const temporary = join(folder, "interrupted");
    mkdirSync(temporary);
    const child = spawn("node", ["tooling/release/run.ts", "--dry-run"], {
      cwd: root,
      env: { ...process.env, TMPDIR: temporary },
    });
    const ended = Promise.all([once(child, "exit"), text(child.stderr)]);
    await once(child.stdout, "data");
    child.kill("SIGINT");
    const [exit, said] = await ended;
    expect(said).toContain("release: interrupted by SIGINT");
    expect(exit).toEqual([130, null]);
    expect(globSync("db-release-*", { cwd: temporary })).toEqual([]);
  });

  test.each([
    [[], "expected one of --dry-run and --publish, got neither"],
    [["--dry-run", "--publish"], "expected one of --dry-run and --publish, got both"],
    [["--publish", "--out", "x"], "expected --out with --dry-run alone"],
    [["--dry"], "Unknown option '--dry'"],
  ])("the arguments %j are refused", async (args, message) => {
    const { exitCode, output } = await tryToRun(["node", "tooling/release/run.ts", ...args], root);
    expect(output).toContain(message);
    expect(exitCode).toBe(2);
  });
});

const sizes = new Map<string, Size>();

describe.each(members.map((member) => [member.folder, member] as const))("%s, packed,", (_, member) => {
  const { name } = member.manifest;
  const doors = doorsOf(member, root);
  const plain = doors.filter(({ optionalPeers }) => optionalPeers.length === 0);
  const { examples, installs } = readReadme(readFileSync(join(root, member.folder, "README.md"), "utf8"));
  let consumer: Consumer;

  test("installs alone with npm, and pulls in nothing that the table of dependencies forbids", async () => {
    consumer = new Consumer(join(folder, member.folder.replace("/", "-")), shelf);
    await consumer.install([name]);
    const installed = listInstalled(consumer.folder);
    expect(installed.map((found) => found.name)).toContain(name);
    expect(strangers(name, installed, allowed)).toEqual([]);
  });

  test("costs no more than its budget", async () => {
    const size = await measure(name, tarballOf(name), consumer.folder);
    sizes.set(name, size);
    expect(overspending(name, size, readBudget()), "`npm run sizes -- --update` writes a new budget").toEqual([]);
  });

  test("opens its main door without any optional peer", async () => {
    expect(plain.map(({ subpath }) => subpath)).toContain(".");
    await consumer.install([name, "@types/node"]);
    await expectDoors(consumer, member, plain);
    consumer.writePrograms(specifiers(plain), []);
    // Types that need an optional peer would show with any compiler; the quickest will do.
    for (const compiler of toolchains.compilers.slice(-1)) {
      expect(await consumer.compile(compiler, "nodenext")).toEqual([]);
    }
  });

  test("compiles and runs, with the examples of its README, on every supported compiler and Node", async () => {
    expect(examples.length, "programs in README.md").toBeGreaterThan(0);
    const peers = Object.keys(member.manifest.peerDependencies ?? {});
    const extra = [...peers, ...installs, ...importsOf(examples)];
    await consumer.install([...new Set([name, "@types/node", ...extra])]);
    await expectDoors(consumer, member, doors);
    await expectPrograms(consumer, specifiers(doors), examples);
  });
});

describe("the whole stack, packed,", () => {
  const doors = members.flatMap((member) => doorsOf(member, root));
  const { examples } = readReadme(readFileSync(join(root, "README.md"), "utf8"));
  const names = members.map(({ manifest }) => manifest.name);
  let consumer: Consumer;

  test("installs with npm, with every optional peer, beside the newest TypeScript", async () => {
    consumer = new Consumer(join(folder, "stack"), shelf);
    const optional = members.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {}));
    const all = new Set([...names, "@types/node", "typescript", ...optional, ...importsOf(examples)]);
    await consumer.install([...all], { overrides: documentedOverrides() });
    const installed = listInstalled(consumer.folder).map((found) => found.name);
    // One copy of each of ours: errors and records of two would not know each other.
    expect(installed.filter((found) => found.startsWith("@db/"))).toEqual([...names].sort());
  });

  test("compiles and runs, with the example of the README, on every supported compiler and Node", async () => {
    expect(examples.length, "programs in README.md").toBeGreaterThan(0);
    await expectPrograms(consumer, specifiers(doors), examples);
  });

  test("comes under licences that allow its use anywhere", () => {
    const others = listInstalled(consumer.folder).filter(({ license }) => !freeLicences.includes(license));
    expect(others.map(({ name, version, license }) => `${name}@${version}: ${license}`)).toEqual([]);
  });
});

test("the sizes, for the reader of this report", () => {
  console.log(`\n${formatSizes(sizes)}\n`);
  expect([...sizes.keys()]).toEqual(members.map(({ manifest }) => manifest.name));
});

/** By content, so that a change of a file that was changed before shows too. */
function changesOfTree(): string {
  if (!isRepository) return "";
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
  const git = (...args: readonly string[]): string => execFileSync("git", args, options);
  return git("status", "--porcelain", "--untracked-files=all") + git("diff", "HEAD");
}

/** What docs/support.md tells users to add to their package.json. */
function documentedOverrides(): Readonly<Record<string, string>> {
  const [, json = ""] = /^```json\n(.*?)^```$/ms.exec(readFileSync(join(root, "docs/support.md"), "utf8")) ?? [];
  return JSON.parse(json).overrides;
}

function tarballOf(name: string): Tarball {
  const tarball = shelf.tarballs.get(name);
  if (tarball === undefined)
    throw new Error(`expected a tarball of ${name}, got none; the dry run said\n${dryRun.output}`);
  return tarball;
}

/** What a door exports once it is published is what it exports here. */
async function expectDoors(consumer: Consumer, member: Member, doors: readonly Door[]): Promise<void> {
  for (const door of doors) {
    const source = entryOf(member.manifest.exports?.[door.subpath]) ?? "";
    const [inWorkspace, ...published] = await Promise.all([
      listExports(pathToFileURL(join(root, member.folder, source)).href, root),
      ...toolchains.nodes.map((node) => consumer.import(door.specifier, node)),
    ]);
    for (const [index, { name }] of toolchains.nodes.entries()) {
      expect(published[index], `${door.specifier} on ${name}`).toEqual(inWorkspace);
    }
  }
}

async function expectPrograms(
  consumer: Consumer,
  doors: readonly string[],
  examples: readonly ReadmeExample[],
): Promise<void> {
  consumer.writePrograms(doors, examples);
  for (const compiler of toolchains.compilers) {
    const compile = (resolution: Resolution) => consumer.compile(compiler, resolution);
    const [bundler, nodenext] = await Promise.all([compile("bundler"), compile("nodenext")]);
    expect({ compiler: compiler.name, bundler, nodenext }).toEqual({
      compiler: compiler.name,
      bundler: [],
      nodenext: [],
    });
  }
  for (const [index, { runs }] of examples.entries()) {
    if (!runs) continue;
    for (const node of toolchains.nodes) await consumer.runExample(index, node);
  }
}

function specifiers(doors: readonly Door[]): readonly string[] {
  return doors.map(({ specifier }) => specifier);
}

function importsOf(examples: readonly ReadmeExample[]): readonly string[] {
  return examples.flatMap(({ imports }) => imports);
}
