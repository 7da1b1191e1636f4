import { existsSync, globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import type { PackageFacts, TsConfig } from "./shape.ts";
import { type Member, root } from "./workspace.ts";

export function readPackageFacts(member: Member, members: readonly Member[], base: string = root): PackageFacts {
  const home = join(base, member.folder);
  const tsconfig = readTsConfig(join(home, "tsconfig.json"));
  return {
    member,
    files: globSync("**", { cwd: home, exclude: ["**/node_modules/**", "**/dist/**"] }).map((file) =>
      file.split(sep).join("/"),
    ),
    readme: readIfThere(join(home, "README.md")),
    tsconfig,
    rootReferences: (readTsConfig(join(base, "tsconfig.json"))?.references ?? []).map(({ path }) => path),
    members: members.map(({ manifest }) => manifest.name),
  };
}

function readTsConfig(file: string): TsConfig | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const config: unknown = JSON.parse(text);
  if (typeof config !== "object" || config === null) throw new Error(`expected an object in ${file}, got ${text}`);
  return config;
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
