import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../packaging/command.ts";
import { readTarball, type Tarball } from "../packaging/tarball.ts";

/** One package whose version the registry does not have yet. */
export interface PlannedPackage {
  readonly name: string;
  readonly version: string;
  readonly tag: string;
}

/**
 * Asks the registry which versions of a staged workspace it does not have, dependencies first.
 *
 * @throws Error when the registry cannot be asked
 */
export async function readPublishPlan(base: string): Promise<readonly PlannedPackage[]> {
  const file = join(base, "publish-plan.json");
  await run(["changeset", "publish-plan", "--output", file], base, base);
  return readPlan(file).map(({ name, version, tag }) => ({
    name: String(name),
    version: String(version),
    tag: String(tag),
  }));
}

/** One tarball that is about to be published. */
export interface PackedPackage {
  readonly name: string;
  readonly version: string;
  readonly tarball: Tarball;
}

/** What lies in a folder of `changeset pack`, by the plan there that `changeset publish` follows. */
export function readPacked(folder: string): readonly PackedPackage[] {
  return readPlan(join(folder, "publish-plan.json")).map(({ name, version, tarball }) => {
    const path = isRecord(tarball) ? tarball.path : undefined;
    if (typeof path !== "string") throw new Error(`expected a tarball of ${name} in ${folder}, got ${path}`);
    return { name: String(name), version: String(version), tarball: readTarball(join(folder, path)) };
  });
}

/** What is to be published by a plan of changesets. */
function readPlan(file: string): readonly Record<string, unknown>[] {
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  const levels = isRecord(document) && Array.isArray(document.plan) ? document.plan : undefined;
  if (levels === undefined) throw new Error(`expected a plan from changesets, got ${JSON.stringify(document)}`);
  return levels.flat().filter((entry: unknown) => isRecord(entry) && entry.kind === "publish");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
