import { isBuiltin } from "node:module";
import { posix } from "node:path";
import type { Row } from "./allowed.ts";
import type { Import } from "./imports.ts";
import { entryOf, packageOf, reachable, type SourceFile } from "./sources.ts";
import type { Manifest, Member } from "./workspace.ts";

export interface Subject {
  readonly member: Member;
  /** Everything under `src`, `test` and `bench`. */
  readonly files: readonly SourceFile[];
}

export interface Rules {
  readonly allowed: Readonly<Record<string, Row>>;
  /** Every member of the workspace, private ones included. */
  readonly members: readonly Member[];
}

/** What a member depends on that it may not, each as one sentence that says where and what to do. */
export function violations(subject: Subject, rules: Rules): readonly string[] {
  const { manifest, folder } = subject.member;
  const everywhere = subject.files.flatMap((file) =>
    file.imports.flatMap((found) => doors(subject, file, found, rules)),
  );
  // A private program may use what it likes, through the front doors.
  if (manifest.private === true) return everywhere;
  const row = rules.allowed[manifest.name];
  if (row === undefined) {
    return [
      `${folder}: expected a row for ${manifest.name} in tooling/checks/allowed.ts, got none; add one that says what it may depend on`,
      ...everywhere,
    ];
  }
  return [...declared(subject.member, row, rules), ...everywhere, ...imported(subject, row, rules)];
}

/** package.json against the table. */
function declared({ manifest, folder }: Member, row: Row, rules: Rules): readonly string[] {
  const found: string[] = [];
  const check = (kind: string, names: readonly string[], may: readonly string[]): void => {
    for (const name of names) {
      if (isPrivate(name, rules)) found.push(`${folder}/package.json: ${name} is private, so ${kind} cannot name it`);
      else if (!may.includes(name)) found.push(`${folder}/package.json: expected ${kind} within [${may}], got ${name}`);
    }
  };
  const peers = Object.keys(manifest.peerDependencies ?? {});
  const isOptional = (name: string): boolean => manifest.peerDependenciesMeta?.[name]?.optional === true;
  check("dependencies", Object.keys(manifest.dependencies ?? {}), row.dependencies ?? []);
  check(
    "peerDependencies",
    peers.filter((name) => !isOptional(name)),
    row.peers ?? [],
  );
  check("optional peerDependencies", peers.filter(isOptional), [...(row.optionalPeers ?? []), ...(row.types ?? [])]);
  return found;
}

/** The imports of `src` against the table and against package.json. */
function imported({ member, files }: Subject, row: Row, rules: Rules): readonly string[] {
  const { manifest, folder } = member;
  const needed = [...(row.dependencies ?? []), ...(row.peers ?? [])];
  const optional = row.optionalPeers ?? [];
  const main = entryOf(manifest.exports?.["."]) ?? "src/index.ts";
  const behindMain = reachable(main, files, { types: false });
  const listed = new Set([manifest.dependencies, manifest.peerDependencies].flatMap((part) => Object.keys(part ?? {})));

  return files.flatMap((file) => {
    if (!file.path.startsWith("src/")) return [];
    const where = `${folder}/${file.path}`;
    return file.imports.flatMap(({ specifier, kind }) => {
      if (specifier.startsWith(".") || isBuiltin(specifier)) return [];
      const name = packageOf(specifier);
      if (name === manifest.name) return [`${where}: expected a relative import of the own package, got ${specifier}`];
      if (isPrivate(name, rules)) return [`${where}: ${name} is private, so a published package cannot import it`];
      if (row.types?.includes(name) === true && kind !== "type") {
        return [`${where}: expected \`import type\` of ${name}, got an import that exists at run time`];
      }
      if (![...needed, ...optional, ...(row.types ?? [])].includes(name)) {
        return [`${where}: expected imports within [${[...needed, ...optional]}], got ${specifier}`];
      }
      if (!listed.has(name)) return [`${where}: expected ${name} among the dependencies or peers of package.json`];
      if (optional.includes(name) && kind === "static" && behindMain.has(file.path)) {
        return [
          `${where}: ${name} is an optional peer, so ${main} must not load it; move it to a subpath or \`import()\` it`,
        ];
      }
      return [];
    });
  });
}

/** Every import passes through a front door: no path into another package, none out of the own one. */
function doors({ member }: Subject, file: SourceFile, { specifier }: Import, rules: Rules): readonly string[] {
  const where = `${member.folder}/${file.path}`;
  if (specifier.startsWith("/") || specifier.startsWith("file:")) {
    return [`${where}: expected a package or a relative path, got ${specifier}`];
  }
  if (specifier.startsWith(".")) {
    const target = posix.join(posix.dirname(file.path), specifier);
    if (target.startsWith("..")) return [`${where}: expected to stay within ${member.folder}, got ${specifier}`];
    if (file.path.startsWith("src/") && !target.startsWith("src/") && target !== "package.json") {
      return [`${where}: expected to stay within ${member.folder}/src, got ${specifier}`];
    }
    return [];
  }
  const name = packageOf(specifier);
  const target = rules.members.find((other) => other.manifest.name === name);
  if (target === undefined || hasDoor(target.manifest, specifier.slice(name.length))) return [];
  return [`${where}: expected one of the exports of ${name}, got ${specifier}`];
}

function hasDoor(manifest: Manifest, rest: string): boolean {
  return Object.hasOwn(manifest.exports ?? {}, `.${rest}`);
}

function isPrivate(name: string, { members }: Rules): boolean {
  return members.some(({ manifest }) => manifest.name === name && manifest.private === true);
}
