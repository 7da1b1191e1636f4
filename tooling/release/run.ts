// What a release publishes: `npm run release -- --dry-run`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { publishedMembers, root } from "../checks/workspace.ts";
import { CommandFailure, run } from "../packaging/command.ts";
import { type Stage, stage } from "../packaging/stage.ts";
import { readTarball } from "../packaging/tarball.ts";
import { type PlannedPackage, readPublishPlan } from "./publish-plan.ts";
import { planFaults, publishFaults, tarballFaults } from "./release-faults.ts";
import { formatPlan } from "./summary.ts";

const usage = `Usage: npm run release -- --dry-run [--out FOLDER]
       npm run release -- --publish

Versions, builds and packs every published package in a copy of this tree, checks the tarballs, and says what
would be published. Exits with 1 if anything is wrong.

Options:
  --dry-run      publish nothing and change nothing here
  --out FOLDER   keep the tarballs there (with --dry-run)
  --publish      publish what was checked; the changesets must be applied before. For the release workflow.
  --help         show this text
`;

class UsageError extends Error {}

try {
  process.exitCode = await main();
} catch (error) {
  const usageFault = error instanceof UsageError || (error instanceof Error && "code" in error && isArgsCode(error));
  if (!usageFault && !(error instanceof CommandFailure)) throw error;
  console.error(`release: ${error.message}${usageFault ? `\n\n${usage}` : ""}`);
  process.exitCode = usageFault ? 2 : 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      "dry-run": { type: "boolean" },
      publish: { type: "boolean" },
      out: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const publish = values.publish === true;
  if (publish === (values["dry-run"] === true)) {
    throw new UsageError(`expected one of --dry-run and --publish, got ${publish ? "both" : "neither"}`);
  }
  if (publish && values.out !== undefined) throw new UsageError("expected --out with --dry-run alone");
  const scratch = mkdtempSync(join(tmpdir(), "db-release-"));
  // An interrupted release leaves nothing behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      rmSync(scratch, { recursive: true, force: true });
      process.exit(signal === "SIGINT" ? 130 : 143);
    });
  }
  try {
    return await release(scratch, publish, values.out === undefined ? undefined : resolve(values.out));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function release(scratch: string, publish: boolean, out: string | undefined): Promise<number> {
  const before = publishedMembers();
  const obstacles = publish ? publishFaults(root, before, process.env) : [];
  if (obstacles.length > 0) return refuse(obstacles);
  const staged = await stage(scratch, out, say);
  say("asking the registry which versions it has");
  const plan = await readPublishPlan(staged.base);
  say("checking the tarballs: contents, licence, manifest, source maps, test code, publint, attw");
  const faults = [...(await tarballFaults(staged.packages, staged.base)), ...planFaults(plan, staged.packages)];
  console.log(`\n${formatPlan(plan, staged.packages, before)}\n`);
  console.log(changelogs(plan, staged));
  if (faults.length > 0) return refuse(faults);
  if (!publish) {
    console.log(`Nothing was published.${out === undefined ? "" : ` The tarballs are in ${out}`}`);
    return 0;
  }
  if (plan.length === 0) console.log("Nothing to publish: the registry has every version.");
  else await publishChecked(join(scratch, "publish"), staged);
  return 0;
}

function refuse(faults: readonly string[]): number {
  console.error(`${faults.length} faults:\n${faults.map((fault) => `- ${fault}`).join("\n")}`);
  return 1;
}

/** Packs what the registry lacks once more, makes sure that it is what was checked, and publishes those bytes. */
async function publishChecked(folder: string, { base, packages }: Stage): Promise<void> {
  await run(
    ["changeset", "pack", "--from-publish-plan", join(base, "publish-plan.json"), "--out-dir", folder],
    base,
    base,
  );
  for (const { tarball, member } of packages) {
    const { name, version } = member.manifest;
    const file = join(folder, "packages", `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    if (!existsSync(file)) continue;
    const { files } = readTarball(file);
    for (const [path, content] of tarball.files) {
      if (files.get(path)?.equals(content) !== true) {
        throw new Error(`expected ${file} to be what was checked, got another ${path}`);
      }
    }
  }
  say("publishing");
  console.log(await run(["changeset", "publish", "--from-pack-dir", folder], root));
}

/** The newest section of each changelog that would go out. */
function changelogs(plan: readonly PlannedPackage[], { base, packages }: Stage): string {
  return packages
    .filter(({ member }) => plan.some(({ name }) => name === member.manifest.name))
    .map(({ member }) => join(base, member.folder, "CHANGELOG.md"))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8").split(/^## /m).slice(0, 2).join("## ").trim())
    .map((section) => `${section}\n`)
    .join("\n");
}

function say(step: string): void {
  console.log(`release: ${step} …`);
}

function isArgsCode(error: Error & { readonly code: unknown }): boolean {
  return String(error.code).startsWith("ERR_PARSE_ARGS");
}
