import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";

/** A figure against its goal: held when `actual <= limit`. */
export interface Goal {
  readonly what: string;
  readonly actual: number;
  readonly limit: number;
  readonly unit: string;
}

/** Prints the results and writes them to `bench/results/<name>.json`; a goal missed makes the process exit with 1. */
export function report(name: string, rows: readonly object[], goals: readonly Goal[]): void {
  const judged = goals.map((goal) => ({ ...goal, held: goal.actual <= goal.limit }));
  console.table(rows);
  console.table(judged);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  const folder = fileURLToPath(new URL("../../bench/results/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify({ name, machine, rows, goals: judged }, null, 2)}\n`);
  if (judged.some(({ held }) => !held)) process.exitCode = 1;
}
