// What a release publishes: `npm run release -- --dry-run`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { publishedMembers, root } from "../checks/workspace.ts";
import { CommandFailure, run } from "../packaging/command.ts";
import { Interruption } from "../packaging/interruption.ts";
import { type Stage, stage } from "../packaging/stage.ts";
import { type PlannedPackage, readPacked, readPublishPlan } from "./publish-plan.ts";
import { packedFaults, planFaults, publishFaults, tarballFaults } from "./release-faults.ts";
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

const interruption = new Interruption();

try {
  process.exitCode = await main();
} catch (error) {
  if (interruption.by === undefined) report(error);
  else console.error(`release: interrupted by ${interruption.by}`);
}
process.exitCode = interruption.exitCode ?? process.exitCode;

function report(error: unknown): void {
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
  try {
    return await release(scratch, publish, values.out === undefined ? undefined : resolve(values.out));
  } finally {
    // Something that was asked to end may still write.
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
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
  interruption.throwIfAny();
  const faults = [...(await tarballFaults(staged.packages, staged.base)), ...planFaults(plan, staged.packages)];
  interruption.throwIfAny();
  console.log(`\n${formatPlan(plan, staged.packages, before)}\n`);
  console.log(changelogs(plan, staged));
  if (faults.length > 0) return refuse(faults);
  if (!publish) {
    console.log(`Nothing was published.${out === undefined ? "" : ` The tarballs are in ${out}`}`);
    return 0;
  }
  if (plan.length > 0) return publishChecked(join(scratch, "publish"), plan, staged);
  console.log("Nothing to publish: the registry has every version.");
  return 0;
}

function refuse(faults: readonly string[]): number {
  console.error(`${faults.length} faults:\n${faults.map((fault) => `- ${fault}`).join("\n")}`);
  return 1;
}

/** Packs what the registry lacks once more, makes sure that it is what was checked, and publishes those bytes. */
async function publishChecked(
  folder: string,
  plan: readonly PlannedPackage[],
  { base, packages }: Stage,
): Promise<number> {
  await run(
    ["changeset", "pack", "--from-publish-plan", join(base, "publish-plan.json"), "--out-dir", folder],
    base,
    base,
  );
  const faults = packedFaults(readPacked(folder), plan, packages);
  if (faults.length > 0) return refuse(faults);
  say("publishing");
  console.log(await run(["changeset", "publish", "--from-pack-dir", folder], root));
  return 0;
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
