import type { StepResult } from "./step.ts";

/** The time and the counts of each step, as columns that line up. */
export function formatTable(results: readonly StepResult[]): string {
  const rows = results.map((result) => [
    result.step.name,
    formatSeconds(result.durationMs),
    String(result.passed),
    String(result.failed),
    String(result.skipped),
    result.note ?? "",
  ]);
  const totalMs = results.reduce((sum, result) => sum + result.durationMs, 0);
  const all = [["step", "time", "passed", "failed", "skipped", ""], ...rows, ["all", formatSeconds(totalMs)]];
  const width = (column: number): number => Math.max(...all.map((row) => row[column]?.length ?? 0));
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === 5 ? cell.padEnd(width(column)) : cell.padStart(width(column)),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
