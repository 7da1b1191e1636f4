/** The part of vitest's JSON report that the counts come from. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, a line each: the place and the first line of what was said. */
  readonly failures: readonly string[];
}

const LINE_LENGTH = 500;

/**
 * Counts the tests of a report. A file that failed outside any test (it did not load, a hook threw) counts as one
 * failure: otherwise a broken import would read as "0 failed".
 *
 * @throws Error when the text is not a report of vitest
 */
export function readTestReport(text: string): TestCounts {
  const report: unknown = JSON.parse(text);
  const files = isRecord(report) ? report.testResults : undefined;
  if (!Array.isArray(files)) throw new Error(`expected a vitest report with testResults, got ${text.slice(0, 80)}`);
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [] as string[] };
  for (const file of files.filter(isRecord)) {
    const tests = Array.isArray(file.assertionResults) ? file.assertionResults.filter(isRecord) : [];
    let failedInFile = 0;
    for (const test of tests) {
      const { status } = test;
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") {
        failedInFile += 1;
        counts.failures.push(lineOf([file.name, test.fullName, test.failureMessages]));
      } else counts.skipped += 1;
    }
    if (failedInFile === 0 && file.status === "failed") {
      failedInFile = 1;
      counts.failures.push(lineOf([file.name, file.message]));
    }
    counts.failed += failedInFile;
  }
  return counts;
}

/** Where it failed and by what; of a list the first, of a text the first line. */
function lineOf(parts: readonly unknown[]): string {
  const texts = parts.map((part) => (Array.isArray(part) ? part[0] : part)).filter((part) => typeof part === "string");
  return texts
    .map((text) => text.trimStart().split("\n", 1)[0])
    .filter((text) => text !== "")
    .join(": ")
    .slice(0, LINE_LENGTH);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
