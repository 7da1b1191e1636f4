import { entryOf, packageOf, reachable, readSources } from "../checks/sources.ts";
import type { Member } from "../checks/workspace.ts";

/** One subpath that users import, and what it needs beyond what comes with the package. */
export interface Door {
  readonly specifier: string;
  readonly subpath: string;
  /** Optional peers that its code or its types name; what is behind `import()` is not needed to import the door. */
  readonly optionalPeers: readonly string[];
}

export function doorsOf(member: Member, base: string): readonly Door[] {
  const { name, exports = {}, peerDependenciesMeta = {} } = member.manifest;
  const optional = Object.keys(peerDependenciesMeta).filter((peer) => peerDependenciesMeta[peer]?.optional === true);
  const files = readSources(member, ["src"], base);
  return Object.entries(exports).flatMap(([subpath, target]) => {
    const entry = entryOf(target);
    if (entry === undefined || !entry.endsWith(".ts")) return [];
    const behind = reachable(entry, files, { types: true });
    const named = files
      .filter(({ path }) => behind.has(path))
      .flatMap(({ imports }) => imports)
      .filter(({ kind }) => kind !== "dynamic")
      .map(({ specifier }) => packageOf(specifier));
    const optionalPeers = optional.filter((peer) => named.includes(peer));
    return [{ subpath, specifier: `${name}${subpath.slice(1)}`, optionalPeers }];
  });
}
