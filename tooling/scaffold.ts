import { cpSync, existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readManifest, root } from "./checks/workspace.ts";

/** A mistake of the person who typed the command: its message is all there is to tell. */
export class UsageError extends Error {}

const rowMarker = "  // A new package gets its row above this line.\n";

export function checkName(positionals: readonly string[]): string {
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) {
    throw new UsageError(`expected one NAME, got ${name === undefined ? "none" : positionals.join(" ")}`);
  }
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new UsageError(`expected NAME in lower case, words joined by hyphens, as in write-queue, got ${name}`);
  }
  const taken = ["packages", "apps", "tooling"].find((parent) => existsSync(join(root, parent, name)));
  if (taken !== undefined) throw new UsageError(`expected a NAME that is free, got ${name}: ${taken}/${name} exists`);
  return name;
}

/** Makes `packages/<name>` from the template and enters it where the workspace lists its packages. */
export function scaffold(name: string, description: string): void {
  // Read before anything is written: a list that cannot be extended must not leave half a package behind.
  const tsconfig = addReference(readFileSync(join(root, "tsconfig.json"), "utf8"), name);
  const allowed = addRow(readFileSync(join(root, "tooling/checks/allowed.ts"), "utf8"), name);
  const draft = join(root, "packages", `.${name}.draft`);
  try {
    copyTemplate(draft, name, description);
    renameSync(draft, join(root, "packages", name));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  writeFileSync(join(root, "tsconfig.json"), tsconfig);
  writeFileSync(join(root, "tooling/checks/allowed.ts"), allowed);
}

function copyTemplate(target: string, name: string, description: string): void {
  cpSync(join(root, "tooling/template"), target, {
    recursive: true,
    filter: (path) => !["node_modules", "dist", ".turbo"].includes(basename(path)),
  });
  const { private: _, ...manifest } = readManifest(target);
  writeFileSync(join(target, "package.json"), `${JSON.stringify({ ...manifest, description }, null, 2)}\n`);
  for (const file of globSync("**/*.{json,md,ts}", { cwd: target })) {
    edit(join(target, file), (text) => text.replaceAll("@db/template", `@db/${name}`));
  }
  edit(join(target, "README.md"), (text) => text.replace(manifest.description ?? "", () => description));
}

function edit(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

/** Adds the package behind the last reference to a package; text is edited so that the formatting stays. */
function addReference(tsconfig: string, name: string): string {
  const last = [...tsconfig.matchAll(/\{ "path": "packages\/[^"]+" \}/g)].at(-1);
  if (last === undefined) throw new Error('expected a line { "path": "packages/…" } in tsconfig.json, got none');
  const end = last.index + last[0].length;
  return `${tsconfig.slice(0, end)},\n    { "path": "packages/${name}" }${tsconfig.slice(end)}`;
}

function addRow(table: string, name: string): string {
  if (!table.includes(rowMarker))
    throw new Error(`expected the line "${rowMarker.trim()}" in tooling/checks/allowed.ts`);
  return table.replace(rowMarker, () => `  "@db/${name}": {},\n${rowMarker}`);
}
