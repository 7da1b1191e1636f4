import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Member, root } from "./workspace.ts";

/** An interface of options, as the API report of its package has it. */
export interface OptionsType {
  readonly name: string;
  readonly options: readonly string[];
}

/** The exported interfaces of a report whose names end in `Options`. */
export function optionsTypes(report: string): readonly OptionsType[] {
  const interfaces = report.matchAll(/^export interface (\w*Options)\b[^{]*\{\n(.*?)^\}/gms);
  return [...interfaces].map(([, name = "", body = ""]) => ({
    name,
    options: [...body.matchAll(/^ {4}(?:readonly )?(\w+)\??[:(<]/gm)].map(([, option = ""]) => option),
  }));
}

/** Every word of a report that is a name or a member: what a README may speak of. */
export function namesOf(report: string): ReadonlySet<string> {
  return new Set(report.match(/[A-Za-z_]\w*/g));
}

/** Every word that a README has in code. */
export function wordsInCode(readme: string): ReadonlySet<string> {
  const code = readme.match(/^```.*?^```$|`[^`\n]+`/gms) ?? [];
  return new Set(code.join("\n").match(/[A-Za-z_]\w*/g));
}

/** The names in the first column of every table that has a column of defaults. */
export function tabledOptions(readme: string): readonly string[] {
  return readme
    .split(/\n(?!\|)/)
    .map((block) => block.split("\n").filter((line) => line.startsWith("|")))
    .filter(([head = ""]) => /\| default \|$/.test(head))
    .flatMap(([, , ...rows]) => rows.map((row) => row.split("|")[1] ?? ""))
    .flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name = ""]) => name));
}

export function readReadme({ folder }: Member): string {
  return readFileSync(join(root, folder, "README.md"), "utf8");
}

export function readReports({ folder }: Member): string {
  const cwd = join(root, folder, "api");
  return globSync("*.api.md", { cwd })
    .map((file) => readFileSync(join(cwd, file), "utf8"))
    .join("\n");
}
