import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Goal, judge, type Results } from "./results.ts";

const resultsFolder: string = fileURLToPath(new URL("../../bench/results/", import.meta.url));

/**
 * Prints the results and writes them to `bench/results/<name>.json`, or to the folder that `BENCH_RESULTS` names; a goal
 * missed makes the process exit with 1.
 */
export function report(name: string, rows: readonly object[], goals: readonly Goal[]): void {
  const judged = goals.map(judge);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
  show({ name, machine, rows: rows.map((row) => ({ ...row })), goals: judged }, process.env.BENCH_RESULTS);
}

export function show(results: Results, folder: string = resultsFolder): void {
  console.table(results.rows);
  console.table(results.goals);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${results.name}.json`), `${JSON.stringify(results, null, 2)}\n`);
  if (results.goals.some(({ held }) => !held)) process.exitCode = 1;
}
