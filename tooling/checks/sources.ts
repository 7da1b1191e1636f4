import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { findImports, type Import } from "./imports.ts";
import { type ExportTarget, listSources, type Member, root } from "./workspace.ts";

export interface SourceFile {
  /** From the folder of the member, with slashes: `src/index.ts`. */
  readonly path: string;
  readonly imports: readonly Import[];
}

export function readSources(member: Member, folders: readonly string[], base: string = root): readonly SourceFile[] {
  return folders
    .flatMap((folder) => listSources(member, folder, base))
    .map((path) => ({ path, imports: findImports(readFileSync(join(base, member.folder, path), "utf8")) }));
}

/** The files that loading `entry` loads, following relative static imports; type-only ones too when asked. */
export function reachable(
  entry: string,
  files: readonly SourceFile[],
  { types }: { readonly types: boolean },
): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = byPath.get(path);
    if (file === undefined || seen.has(path)) continue;
    seen.add(path);
    for (const { specifier, kind } of file.imports) {
      if (specifier.startsWith(".") && (kind === "static" || (types && kind === "type"))) {
        open.push(posix.join(posix.dirname(path), specifier));
      }
    }
  }
  return seen;
}

/** The code behind one door, without the leading `./`. */
export function entryOf(target: ExportTarget | undefined): string | undefined {
  const path = typeof target === "string" ? target : target?.default;
  return path === undefined ? undefined : posix.normalize(path);
}

/** `@scope/name` of `@scope/name/path`, `name` of `name/path`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
