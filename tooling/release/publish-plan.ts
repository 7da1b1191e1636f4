import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../packaging/command.ts";

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
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  const levels = isRecord(document) && Array.isArray(document.plan) ? document.plan : undefined;
  if (levels === undefined) throw new Error(`expected a plan from changesets, got ${JSON.stringify(document)}`);
  return levels.flat().flatMap((entry: unknown) => {
    if (!isRecord(entry) || entry.kind !== "publish") return [];
    return [{ name: String(entry.name), version: String(entry.version), tag: String(entry.tag) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
