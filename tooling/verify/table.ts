import { type CheckResult, holds } from "./check.ts";

/** What was checked and measured, a line for each claim. */
export function formatTable(results: readonly CheckResult[]): string {
  const rows = results.flatMap(({ name, claims }) =>
    claims.map(({ what, measured, holds: isSo }, index) => [
      index === 0 ? name : "",
      what,
      measured.replaceAll("\n", " "),
      isSo ? "ok" : "FAILED",
    ]),
  );
  const all = [["check", "what was checked", "measured", ""], ...rows];
  const width = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function verdict(results: readonly CheckResult[]): string {
  const failed = results.filter((result) => !holds(result)).map(({ name }) => name);
  const claims = results.reduce((sum, result) => sum + result.claims.length, 0);
  const seconds = (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1_000).toFixed(0);
  const end = failed.length === 0 ? "all hold" : `these do not hold: ${failed.join(", ")}`;
  return `${results.length} checks, ${claims} claims, ${seconds} s: ${end}`;
}
