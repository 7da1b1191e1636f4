import { readFileSync } from "node:fs";
import { join } from "node:path";
import { alignColumns } from "./columns.ts";
import { run } from "./command.ts";
import { installedBytes, listInstalled } from "./installed.ts";
import type { Tarball } from "./tarball.ts";

/** What a package costs who installs it alone: with its required peers, without the optional ones. */
export interface Size {
  /** The tarball, in KB (1,024 bytes). */
  readonly packedKb: number;
  /** All files that npm installs, in KB. */
  readonly installedKb: number;
  /** Files that importing its main entry loads. */
  readonly modules: number;
  /** The shortest of several imports in a fresh process, in milliseconds. */
  readonly importMs: number;
  /** Packages of others that come with it. */
  readonly brings: readonly string[];
}

export async function measure(name: string, tarball: Tarball, folder: string): Promise<Size> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const program = `const t = performance.now(); await import("${name}"); console.log(performance.now() - t)`;
    times.push(Number(await run(["node", "--input-type=module", "--eval", program], folder)));
  }
  const counter = `import { registerHooks } from "node:module";
    let modules = 0;
    registerHooks({ load(url, context, next) { if (url.startsWith("file:")) modules += 1; return next(url, context); } });
    await import("${name}");
    console.log(modules);`;
  return {
    packedKb: Math.ceil(tarball.bytes / 1024),
    installedKb: Math.ceil(installedBytes(folder) / 1024),
    modules: Number(await run(["node", "--input-type=module", "--eval", counter], folder)),
    importMs: Math.ceil(Math.min(...times)),
    brings: [...new Set(listInstalled(folder).map((found) => found.name))].filter((found) => !found.startsWith("@db/")),
  };
}

/** The most that packages may cost; `default` is for those that have no row yet. */
export interface Budget {
  readonly default: Omit<Size, "brings">;
  readonly packages: Readonly<Record<string, Size>>;
}

export const budgetFile: string = join(import.meta.dirname, "budget.json");

export function readBudget(): Budget {
  return JSON.parse(readFileSync(budgetFile, "utf8"));
}

const limits = ["packedKb", "installedKb", "modules", "importMs"] as const;

/** Where a package costs more than it may, each as one sentence. */
export function overspending(name: string, size: Size, budget: Budget): readonly string[] {
  const row = budget.packages[name];
  const found = limits
    // What could not be measured, or has no limit, is no less a fault than what is too large.
    .filter((limit) => !(size[limit] <= (row ?? budget.default)[limit]))
    .map((limit) => `${name}: expected ${limit} of at most ${(row ?? budget.default)[limit]}, got ${size[limit]}`);
  if (row !== undefined && row.brings.join() !== size.brings.join()) {
    found.push(`${name}: expected it to bring [${row.brings.join(", ")}], got [${size.brings.join(", ")}]`);
  }
  return found;
}

/** A fifth more than today; time, which depends on the machine, five times. */
export function budgetFor(sizes: ReadonlyMap<string, Size>, previous: Budget): Budget {
  const withRoom = (value: number): number => Math.ceil((value * 1.2) / 5) * 5;
  const packages = [...sizes].map(([name, size]) => [
    name,
    {
      packedKb: withRoom(size.packedKb),
      installedKb: withRoom(size.installedKb),
      modules: withRoom(size.modules),
      importMs: Math.max(100, Math.ceil(size.importMs / 10) * 50),
      brings: size.brings,
    },
  ]);
  return { default: previous.default, packages: Object.fromEntries(packages) };
}

export function formatSizes(sizes: ReadonlyMap<string, Size>): string {
  const rows = [...sizes].map(([name, { packedKb, installedKb, modules, importMs, brings }]) => [
    name,
    `${packedKb} KB`,
    `${installedKb} KB`,
    String(modules),
    `${importMs} ms`,
    brings.join(", ") || "nothing",
  ]);
  return alignColumns([["package alone", "packed", "installed", "modules", "import", "brings"], ...rows]);
}
