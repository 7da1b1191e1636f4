import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runChild } from "./child.ts";
import type { CommandStep, Step, StepResult, TestStep } from "./step.ts";
import { testFiles } from "./test-files.ts";
import { readTestReport } from "./test-report.ts";
import { root } from "./workspace.ts";

/** What one run of a suite shares between its steps. */
export interface RunContext {
  readonly env: NodeJS.ProcessEnv;
  /** A folder of this run alone, for vitest's reports. */
  readonly reports: string;
  readonly print: (text: string) => void;
}

export async function runStep(step: Step, context: RunContext): Promise<StepResult> {
  const startedAt = performance.now();
  const outcome = await (step.kind === "command" ? runCommand(step, context) : runTests(step, context));
  return { step, ...outcome, durationMs: performance.now() - startedAt };
}

type Outcome = Omit<StepResult, "step" | "durationMs">;

async function runCommand(step: CommandStep, { env, print }: RunContext): Promise<Outcome> {
  const { exitCode, output } = await runChild(step.command, { output: "capture", env });
  if (exitCode === 0) return { passed: 1, failed: 0, skipped: 0 };
  print(output);
  return { passed: 0, failed: 1, skipped: 0, note: `${step.command.join(" ")}: ${describeExit(exitCode)}` };
}

async function runTests(step: TestStep, { env, reports }: RunContext): Promise<Outcome> {
  if (!hasTestFiles(step)) return { passed: 0, failed: 0, skipped: 0, note: "no tests yet" };
  const reportFile = join(reports, `${step.project}.json`);
  const { exitCode } = await runChild(
    [
      "vitest",
      "run",
      "--project",
      step.project,
      // A forgotten `.only` would leave the other tests of its file out without a word.
      "--allowOnly=false",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportFile}`,
    ],
    { output: "inherit", env },
  );
  if (!existsSync(reportFile)) {
    return { passed: 0, failed: 1, skipped: 0, note: `expected a report of vitest, got ${describeExit(exitCode)}` };
  }
  return judgeTests(readFileSync(reportFile, "utf8"), exitCode, step.needs);
}

/** Tests that never ran prove nothing, and vitest's exit code also tells of errors outside any test. */
export function judgeTests(report: string, exitCode: number | null, needs?: string): Outcome {
  const counts = readTestReport(report);
  if (counts.failed > 0) return { ...counts, note: `${counts.failed} failed` };
  if (needs !== undefined && counts.passed === 0 && counts.skipped > 0 && exitCode === 0) {
    return { ...counts, note: `skipped: needs ${needs}` };
  }
  if (counts.passed === 0) return { ...counts, failed: 1, note: "expected tests to run, got none" };
  if (exitCode !== 0) return { ...counts, failed: 1, note: `no test failed, but vitest: ${describeExit(exitCode)}` };
  return counts;
}

function hasTestFiles(step: TestStep): boolean {
  const { include, exclude } = testFiles[step.project];
  return globSync(include, { cwd: root, exclude }).length > 0;
}

function describeExit(exitCode: number | null): string {
  return exitCode === null ? "ended by a signal" : `exit code ${exitCode}`;
}
