import { globSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Member, publishedMembers } from "../checks/workspace.ts";
import { run } from "./command.ts";
import { pack, type Tarball } from "./tarball.ts";
import { copyWorkspace, installCopy } from "./workspace-copy.ts";

/** A package in the version that a release would give it, and what users would download. */
export interface StagedPackage {
  readonly member: Member;
  readonly tarball: Tarball;
}

/** The workspace as a release would publish it. */
export interface Stage {
  /** A copy of the workspace, with its changesets applied and its packages built. */
  readonly base: string;
  readonly packages: readonly StagedPackage[];
}

export function pendingChangesets(base: string): readonly string[] {
  return globSync("*.md", { cwd: join(base, ".changeset") }).filter((file) => file !== "README.md");
}

/**
 * Versions, builds and packs a copy of the workspace in `folder`; this tree is only read. Tarballs go to `destination`.
 * `say` is told of each step before it begins.
 */
export async function stage(
  folder: string,
  destination: string = join(folder, "tarballs"),
  say: (step: string) => void = () => {},
): Promise<Stage> {
  const base = join(folder, "workspace");
  mkdirSync(destination, { recursive: true });
  say("copying the workspace and installing the copy");
  copyWorkspace(base);
  await installCopy(base, "frozen");
  const changesets = pendingChangesets(base);
  say(`versioning by ${changesets.length} changesets`);
  // Without any it would fail, and the versions that are there are the ones to check.
  if (changesets.length > 0) await run(["changeset", "version"], base, base);
  const members = publishedMembers(base);
  say(`building ${members.length} packages`);
  await run(["tsc", "-b", ...members.map((member) => member.folder)], base, base);
  say("packing");
  const packages: StagedPackage[] = [];
  for (const member of members) packages.push({ member, tarball: await pack(member, destination, base) });
  return { base, packages };
}
