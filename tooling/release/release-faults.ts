import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../checks/workspace.ts";
import { pendingChangesets, type StagedPackage } from "../packaging/stage.ts";
import { tarballChecks } from "../packaging/tarball-faults.ts";
import type { PackedPackage, PlannedPackage } from "./publish-plan.ts";

/** The version of a package that no changeset has ever named. */
export const unversioned = "0.0.0";

/** The variable with which the workflow asks for provenance; pnpm, which publishes, reads it too. */
export const provenance = "PNPM_CONFIG_PROVENANCE";

/** Everything that is wrong with the tarballs, each as one sentence that begins with the package. */
export async function tarballFaults(packages: readonly StagedPackage[], base: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const staged of packages) {
    for (const { faults } of tarballChecks) {
      for (const fault of await faults(staged, base)) found.push(`${staged.member.manifest.name}: ${fault}`);
    }
  }
  return found;
}

/** What users of the planned packages could not install. */
export function planFaults(plan: readonly PlannedPackage[], packages: readonly StagedPackage[]): readonly string[] {
  const held = packages
    .filter(({ tarball }) => tarball.manifest.version === unversioned)
    .map(({ member }) => member.manifest.name);
  const planned = new Set(plan.map(({ name }) => name));
  return packages
    .filter(({ member }) => planned.has(member.manifest.name))
    .flatMap(({ tarball: { manifest } }) => {
      const needs = { ...manifest.dependencies, ...manifest.peerDependencies };
      return held
        .filter((name) => needs[name] !== undefined)
        .map((name) => `${manifest.name}: needs ${name}, which has no version yet; expected a changeset that names it`);
    });
}

/** Where the tarballs that are about to be published are not, to the byte, those that were planned and checked. */
export function packedFaults(
  packed: readonly PackedPackage[],
  plan: readonly PlannedPackage[],
  packages: readonly StagedPackage[],
): readonly string[] {
  const isPacked = (name: string): boolean => packed.some((found) => found.name === name);
  const missing = plan.filter(({ name }) => !isPacked(name)).map(({ name }) => `${name}: expected a tarball, got none`);
  const changed = packed.flatMap(({ name, version, tarball: { files } }) => {
    const isChecked = ({ tarball: { manifest } }: StagedPackage): boolean =>
      manifest.name === name && manifest.version === version;
    const checked = packages.find(isChecked)?.tarball.files;
    if (checked === undefined) return [`${name}: expected a package that was checked, got version ${version}`];
    const isSame = (path: string): boolean => {
      const [was, is] = [checked.get(path), files.get(path)];
      return was !== undefined && is !== undefined && was.equals(is);
    };
    return [...new Set([...checked.keys(), ...files.keys()])]
      .filter((path) => !isSame(path))
      .map((path) => `${name}: expected the ${path} that was checked, got another`);
  });
  return [...missing, ...changed];
}

/** What stands in the way of publishing for real, whatever the tarballs are like. */
export function publishFaults(base: string, members: readonly Member[], env: NodeJS.ProcessEnv): readonly string[] {
  const found: string[] = [];
  const pending = pendingChangesets(base);
  if (pending.length > 0) {
    found.push(`expected the changesets to be applied (npm exec -- changeset version), got ${pending.length} pending`);
  }
  for (const { folder, manifest } of members) {
    if (manifest.version === unversioned) {
      found.push(`${manifest.name}: expected a changeset that names it, or "private": true, got neither`);
    }
    // What is signed says where a package was built; npm refuses one that does not name the same place.
    if (env[provenance] === "true" && !repositoryOf(join(base, folder))) {
      found.push(`${manifest.name}: expected a repository in package.json, which provenance needs, got none`);
    }
  }
  return found;
}

function repositoryOf(folder: string): boolean {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).repository !== undefined;
}
