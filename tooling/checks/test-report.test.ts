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
    expect(readTestReport(JSON.stringify(report))).toEqual({
      passed: 2,
      failed: 1,
      skipped: 2,
      failures: [""],
    });
  });

  test("a file that did not load counts as one failure", () => {
    const report = { testResults: [{ status: "failed", assertionResults: [] }] };
    expect(readTestReport(JSON.stringify(report))).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [""],
    });
  });

  test("what failed is told in a line each", () => {
    const failed = { status: "failed", fullName: "a pool closes", failureMessages: ["Error: late\n    at pool", "x"] };
    const report = {
      testResults: [
        { name: "a.test.ts", status: "failed", assertionResults: [failed, { status: "passed", fullName: "a" }] },
        { name: "b.test.ts", status: "failed", message: "\nno such module\nat b", assertionResults: [] },
        { name: "c.test.ts", status: "failed", assertionResults: [{ status: "failed", fullName: "x".repeat(900) }] },
      ],
    };
    const [first, second, third] = readTestReport(JSON.stringify(report)).failures;
    expect(first).toBe("a.test.ts: a pool closes: Error: late");
    expect(second).toBe("b.test.ts: no such module");
    expect(third).toHaveLength(500);
  });

  test("anything else is refused", () => {
    expect(() => readTestReport('{"numTotalTests":3}')).toThrow("expected a vitest report");
  });
});
