import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** One door of a package: source in the workspace, types and code once published. */
export type ExportTarget = string | { readonly types?: string; readonly default?: string };

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly licenses?: readonly { readonly type: string }[];
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly description?: string;
  readonly version?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, ExportTarget>>;
  readonly publishConfig?: {
    readonly access?: string;
    readonly exports?: Readonly<Record<string, ExportTarget>>;
  };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface Member {
  /** From the root, with slashes: `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The members of the workspace under some of its folders, in alphabetical order. */
export function listMembers(parents: readonly string[], base: string = root): readonly Member[] {
  return parents.flatMap((parent) => {
    const path = join(base, parent);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => existsSync(join(path, name, "package.json")))
      .sort()
      .map((name) => ({ folder: `${parent}/${name}`, manifest: readManifest(join(path, name)) }));
  });
}

/** The packages that users can install. */
export function publishedMembers(base: string = root): readonly Member[] {
  return listMembers(["packages"], base).filter(({ manifest }) => manifest.private !== true);
}

export function readManifest(folder: string): Manifest {
  const file = join(folder, "package.json");
  const manifest: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isManifest(manifest)) throw new Error(`expected an object with a name in ${file}`);
  return manifest;
}

/** Names and ranges of what its users must bring. */
export function requiredPeers({
  peerDependencies = {},
  peerDependenciesMeta = {},
}: Manifest): readonly (readonly [string, string])[] {
  return Object.entries(peerDependencies).filter(([name]) => peerDependenciesMeta[name]?.optional !== true);
}

/** The third-party versions that the workspace is tested with. */
export function readCatalog(base: string = root): ReadonlyMap<string, string> {
  const text = readFileSync(join(base, "pnpm-workspace.yaml"), "utf8");
  const block = /^catalog:\n((?: {2}.*\n|\n)*)/m.exec(text)?.[1] ?? "";
  const entries = [...block.matchAll(/^ {2}"?([^"\s:]+)"?: (\S+)$/gm)].map(
    ([, name = "", version = ""]) => [name, version] as const,
  );
  if (entries.length === 0) throw new Error("expected a catalog in pnpm-workspace.yaml, got none");
  return new Map(entries);
}

/** TypeScript files under a folder of a member, from the member's folder, with slashes. */
export function listSources(member: Member, folder: string, base: string = root): readonly string[] {
  const home = join(base, member.folder);
  return globSync(`${folder}/**/*.ts`, { cwd: home, exclude: ["**/node_modules/**", "**/dist/**"] })
    .map((file) => relative(home, join(home, file)).split(sep).join("/"))
    .sort();
}

function isManifest(value: unknown): value is Manifest {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string";
}
