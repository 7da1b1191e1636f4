/** The part of vitest's JSON report that the counts come from. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

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
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of files) {
    const tests = isRecord(file) && Array.isArray(file.assertionResults) ? file.assertionResults : [];
    let failedInFile = 0;
    for (const test of tests) {
      const status = isRecord(test) ? test.status : undefined;
      if (status === "passed") counts.passed += 1;
      else if (status === "failed") failedInFile += 1;
      else counts.skipped += 1;
    }
    if (failedInFile === 0 && isRecord(file) && file.status === "failed") failedInFile = 1;
    counts.failed += failedInFile;
  }
  return counts;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
