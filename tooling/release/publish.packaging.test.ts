import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishedMembers, root } from "../checks/workspace.ts";
import { type CommandResult, run, tryToRun } from "../packaging/command.ts";
import { copyWorkspace, installCopy } from "../packaging/workspace-copy.ts";
import { LocalRegistry } from "./local-registry.ts";
import { provenance, unversioned } from "./release-faults.ts";

let copy: string;
let registry: LocalRegistry;

beforeAll(async () => {
  registry = await LocalRegistry.start();
  copy = mkdtempSync(join(tmpdir(), "db-publish-"));
  copyWorkspace(copy);
  const { host } = new URL(registry.url);
  // For our own names alone: everything else comes from where it always does.
  appendFileSync(join(copy, ".npmrc"), `@db:registry=${registry.url}/\n//${host}/:_authToken=of-a-test\n`);
  await installCopy(copy, "frozen");
  await git("init", "--quiet");
  await git("config", "user.name", "A Test");
  await git("config", "user.email", "test@forge.example");
  await commit("Everything");
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(copy, { recursive: true, force: true });
});

test("with changesets that are not applied, nothing is published", async () => {
  writeFileSync(join(copy, ".changeset/pending.md"), '---\n"@db/core": patch\n---\n\nPending.\n');
  const { exitCode, output } = await publish();
  expect(output).toContain("expected the changesets to be applied");
  expect(exitCode).toBe(1);
  expect(registry.documents.size).toBe(0);
});

test("where the workflow asks for provenance, nothing is published without a signature", async () => {
  expect(readFileSync(join(root, ".github/workflows/release.yml"), "utf8")).toContain(`${provenance}: "true"`);
  // As in a workflow without the right to sign; pnpm asks before it publishes.
  const workflow = ["env", `${provenance}=true`, "GITHUB_ACTIONS=true"] as const;
  const publishing = [...workflow, "pnpm", "publish", "--no-git-checks", "--json"] as const;
  const { exitCode, output } = await tryToRun(publishing, join(copy, "packages/retry"), copy);
  expect(output).toContain("ID_TOKEN");
  expect(exitCode).toBe(1);
  expect(registry.documents.size).toBe(0);
});

test("once they are, every package is published with its dependencies by version, and tagged", async () => {
  await run(["changeset", "version"], copy, copy);
  // What no changeset has named yet is not for publishing.
  for (const member of publishedMembers(copy).filter(({ manifest }) => manifest.version === unversioned)) {
    const file = join(copy, member.folder, "package.json");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), private: true }));
  }
  await commit("Version the packages");
  const told = join(copy, "published.log");
  const { exitCode, output } = await publish(`CHANGESETS_OUTPUT=${told}`);
  expect(exitCode, output).toBe(0);
  const members = publishedMembers(copy);
  expect([...registry.documents.keys()].sort()).toEqual(members.map(({ manifest }) => manifest.name).sort());
  const tags = (await git("tag")).trim().split("\n").sort();
  expect(tags).toEqual(members.map(({ manifest: { name, version } }) => `${name}@${version}`).sort());
  // What the action of the workflow reads to push tags and make releases.
  const events = readFileSync(told, "utf8").trim().split("\n");
  const pushed = events.map((line) => JSON.parse(line)).filter(({ type }) => type === "git-tag");
  expect(pushed.map(({ tag }) => tag).sort()).toEqual(tags);
  for (const document of registry.documents.values()) {
    expect(JSON.stringify(document.versions)).not.toMatch(/workspace:|catalog:|\.\/src\/index\.ts"/);
  }
});

test("published again, it says that there is nothing to publish", async () => {
  const { exitCode, output } = await publish();
  expect(output).toContain("Nothing to publish: the registry has every version.");
  expect(exitCode).toBe(0);
});

test("what was published installs from the registry", async () => {
  const folder = mkdtempSync(join(tmpdir(), "db-published-"));
  try {
    writeFileSync(join(folder, ".npmrc"), `@db:registry=${registry.url}/\n`);
    writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
    await run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "@db/testing"], folder);
    expect(globSync("node_modules/@db/*", { cwd: folder }).length).toBe(2);
    const program = `import { MockDatabase } from "@db/testing"; console.log(new MockDatabase().name)`;
    expect(await run(["node", "--input-type=module", "--eval", program], folder)).toBe("mock\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function publish(...env: readonly string[]): Promise<CommandResult> {
  return tryToRun(["env", ...env, "node", "tooling/release/run.ts", "--publish"], copy, copy);
}

function git(...args: readonly string[]): Promise<string> {
  return run(["git", ...args], copy, root);
}

async function commit(message: string): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", message);
}
