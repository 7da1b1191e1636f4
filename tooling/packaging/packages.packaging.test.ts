import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entryOf } from "../checks/sources.ts";
import { listSources, publishedMembers, readCatalog, root } from "../checks/workspace.ts";
import { build } from "./build.ts";
import { run } from "./command.ts";
import { Consumer, listExports } from "./consumer.ts";
import { doorsOf } from "./doors.ts";
import { pack, type Tarball } from "./tarball.ts";

const members = publishedMembers();
const tarballs = new Map<string, Tarball>();
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "db-packaging-"));
  await build(members);
  for (const member of members) tarballs.set(member.manifest.name, await pack(member, folder, root));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("there are packages to pack", () => {
  expect(members.length).toBeGreaterThan(0);
});

describe.each(members.map((member) => [member.folder, member] as const))("%s, packed,", (_, member) => {
  const { name } = member.manifest;
  const sources = listSources(member, "src");
  const tarball = (): Tarball => {
    const packed = tarballs.get(name);
    if (packed === undefined) throw new Error(`expected a tarball of ${name}, got none`);
    return packed;
  };

  test("holds its sources, what they compile to, README, LICENSE and package.json, and nothing else", () => {
    const built = sources.flatMap((source) => {
      const noun = source.replace(/^src\/(.*)\.ts$/, "dist/$1");
      return [`${noun}.js`, `${noun}.js.map`, `${noun}.d.ts`, `${noun}.d.ts.map`];
    });
    expect(tarball().paths).toEqual([...sources, ...built, "README.md", "LICENSE", "package.json"].sort());
  });

  test("opens its doors to dist, and names its dependencies by version", () => {
    const { manifest } = tarball();
    expect(manifest.exports).toEqual(member.manifest.publishConfig?.exports);
    expect(JSON.stringify(manifest.exports)).not.toContain("./src/");
    const { dependencies, peerDependencies } = manifest;
    for (const [dependency, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
      expect(range, `the range of ${dependency}`).toMatch(/^[\^~]?\d+\.\d+\.\d+/);
    }
  });

  test("satisfies publint, suggestions included", async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball().file));
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages).toEqual([]);
  });

  test("has types that resolve (attw)", async () => {
    const report = await run(["attw", "--profile", "esm-only", "--format", "ascii", tarball().file], folder);
    // It is content with a package that has no types at all; otherwise it reports on each door.
    expect(report).toContain("node16 (from ESM): 🟢 (ESM)");
  });

  test("installs with npm, imports and type-checks in an empty project", async () => {
    const doors = doorsOf(member, root);
    const plain = doors.filter(({ optionalPeers }) => optionalPeers.length === 0);
    expect(
      plain.map(({ subpath }) => subpath),
      "the main entry needs no optional peer",
    ).toContain(".");
    await checkAsConsumer("plain", plain);
    if (plain.length < doors.length) await checkAsConsumer("with-optional-peers", doors);
  });

  async function checkAsConsumer(kind: string, doors: ReturnType<typeof doorsOf>): Promise<void> {
    const home = join(folder, `${member.folder.replace("/", "-")}-${kind}`);
    const consumer = await Consumer.install(home, member, doors, { tarballs, catalog: readCatalog() });
    for (const door of doors) {
      const source = entryOf(member.manifest.exports?.[door.subpath]) ?? "";
      const inWorkspace = await listExports(pathToFileURL(join(root, member.folder, source)).href, root);
      expect(await consumer.import(door), door.specifier).toEqual(inWorkspace);
    }
    expect(await consumer.typeCheck()).toEqual([]);
  }
});
