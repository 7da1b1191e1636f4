import { expect, test } from "vitest";
import { type StepResult, total } from "./step.ts";
import { formatTable } from "./table.ts";

const results: readonly StepResult[] = [
  {
    step: { kind: "command", name: "format", about: "", command: ["biome"] },
    ...{ passed: 0, failed: 1, skipped: 0, durationMs: 940, note: "exit code 1" },
  },
  {
    step: { kind: "tests", name: "unit", about: "", project: "unit" },
    ...{ passed: 1204, failed: 2, skipped: 3, durationMs: 61_250 },
  },
];

test("the table lines up its columns and adds up the time", () => {
  expect(formatTable(results)).toBe(
    [
      "step      time  passed  failed  skipped",
      "format   0.9 s       0       1        0  exit code 1",
      "unit    61.3 s    1204       2        3",
      "all     62.2 s",
    ].join("\n"),
  );
});

test("the total leaves skipped tests out", () => {
  expect(total(results)).toEqual({ passed: 1204, failed: 3 });
});
