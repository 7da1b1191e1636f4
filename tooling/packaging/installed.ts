import { globSync, lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Row } from "../checks/allowed.ts";
import { readManifest, requiredPeers } from "../checks/workspace.ts";
import { licenceOf } from "./licences.ts";

/** A package that is there once npm has installed what was asked for. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** What npm installs along with it: its dependencies and required peers. */
  readonly needs: readonly string[];
}

export function listInstalled(folder: string): readonly InstalledPackage[] {
  const manifests = globSync("node_modules/**/package.json", { cwd: folder }).filter((path) =>
    // The root of a package; many hold further manifests, for formats and tests.
    /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path.replaceAll("\\", "/")),
  );
  return manifests
    .map((path) => {
      const manifest = readManifest(join(folder, dirname(path)));
      const { name, version = "", dependencies = {}, optionalDependencies = {} } = manifest;
      const peers = requiredPeers(manifest).map(([peer]) => peer);
      const needs = [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers];
      return { name, version, license: licenceOf(manifest), needs };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What all installed files take, in bytes. */
export function installedBytes(folder: string): number {
  return globSync("node_modules/**", { cwd: folder })
    .map((path) => lstatSync(join(folder, path)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
}

/**
 * The packages that came although the table of allowed dependencies does not give them: neither a dependency nor a
 * required peer of `name`, nor of what those bring. An optional peer is the user's to install, so it is one of them.
 */
export function strangers(
  name: string,
  installed: readonly InstalledPackage[],
  allowed: Readonly<Record<string, Row>>,
): readonly string[] {
  const wanted = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (wanted.has(next)) continue;
    wanted.add(next);
    const row = allowed[next];
    if (row !== undefined) open.push(...(row.dependencies ?? []), ...(row.peers ?? []));
    else open.push(...installed.filter((found) => found.name === next).flatMap((found) => found.needs));
  }
  return installed.map((found) => found.name).filter((found) => !wanted.has(found));
}
