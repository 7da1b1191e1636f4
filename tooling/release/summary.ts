import type { Member } from "../checks/workspace.ts";
import { alignColumns } from "../packaging/columns.ts";
import type { StagedPackage } from "../packaging/stage.ts";
import type { PlannedPackage } from "./publish-plan.ts";
import { unversioned } from "./release-faults.ts";

/** What would be published, and why the others would not, as columns that line up. */
export function formatPlan(
  plan: readonly PlannedPackage[],
  packages: readonly StagedPackage[],
  before: readonly Member[],
): string {
  const rows = packages.map(({ member, tarball }) => {
    const { name, version = unversioned } = member.manifest;
    const planned = plan.find((entry) => entry.name === name && version !== unversioned);
    const now = before.find(({ manifest }) => manifest.name === name)?.manifest.version ?? unversioned;
    return [
      name,
      now === version ? version : `${now} → ${version}`,
      planned === undefined ? reasonToHold(version) : `publish as ${planned.tag}`,
      `${(tarball.bytes / 1024).toFixed(1)} KB`,
      `${tarball.files.size} files`,
      needsOf(tarball.manifest),
    ];
  });
  return alignColumns([["package", "version", "what happens", "packed", "", "needs"], ...rows]);
}

function reasonToHold(version: string): string {
  return version === unversioned ? "held back: no changeset has named it" : "nothing: the registry has it";
}

function needsOf({ dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }: Member["manifest"]): string {
  const peers = Object.entries(peerDependencies).map(([name, range]) => {
    const optional = peerDependenciesMeta[name]?.optional === true ? ", optional" : "";
    return `${name} ${range} (peer${optional})`;
  });
  const own = Object.entries(dependencies).map(([name, range]) => `${name} ${range}`);
  return [...own, ...peers].join(", ") || "nothing";
}
