import { describe, expect, test } from "vitest";
import { readTestReport } from "./test-report.ts";

describe("readTestReport", () => {
  test("counts passed, failed and skipped tests over all files", () => {
    const report = {
      testResults: [
        { status: "passed", assertionResults: [{ status: "passed" }, { status: "skipped" }, { status: "todo" }] },
        { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
      ],
    };
    expect(readTestReport(JSON.stringify(report))).toEqual({ passed: 2, failed: 1, skipped: 2 });
  });

  test("a file that did not load counts as one failure", () => {
    const report = { testResults: [{ status: "failed", assertionResults: [] }] };
    expect(readTestReport(JSON.stringify(report))).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test("anything else is refused", () => {
    expect(() => readTestReport('{"numTotalTests":3}')).toThrow("expected a vitest report");
  });
});
