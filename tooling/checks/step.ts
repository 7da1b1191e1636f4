import type { Project } from "./test-files.ts";

interface Base {
  readonly name: string;
  /** What the step proves, for `--help`. */
  readonly about: string;
}

/** A program that says by its exit code whether all is well; counts as one check. */
export interface CommandStep extends Base {
  readonly kind: "command";
  readonly command: readonly [program: string, ...args: string[]];
}

/** A vitest project; counts as many checks as it ran tests. */
export interface TestStep extends Base {
  readonly kind: "tests";
  readonly project: Project;
  /** What the tests need that a machine may lack; they then skip themselves, all of them, and say so. */
  readonly needs?: string;
}

export type Step = CommandStep | TestStep;

export interface StepResult {
  readonly step: Step;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
  /** What failed, a line each; told at the end, where a long log is read. */
  readonly failures?: readonly string[];
  /** Shown in the table beside the counts. */
  readonly note?: string;
}

/** A suite is green when nothing in it failed; skipped tests are shown, never counted as passed. */
export function total(results: readonly StepResult[]): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  for (const result of results) {
    passed += result.passed;
    failed += result.failed;
  }
  return { passed, failed };
}
