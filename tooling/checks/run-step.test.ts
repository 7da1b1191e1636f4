import { describe, expect, test } from "vitest";
import { judgeTests } from "./run-step.ts";

const reportOf = (...statuses: string[]): string =>
  JSON.stringify({ testResults: [{ status: "passed", assertionResults: statuses.map((status) => ({ status })) }] });

describe("judgeTests", () => {
  test("all passed and exit code 0 is green", () => {
    expect(judgeTests(reportOf("passed", "passed"), 0)).toMatchObject({ passed: 2, failed: 0, skipped: 0 });
  });

  test("a step whose tests were all skipped fails", () => {
    expect(judgeTests(reportOf("skipped"), 0)).toMatchObject({ failed: 1, note: "expected tests to run, got none" });
  });

  test("a step that needs what is not there may skip all its tests, and nothing else", () => {
    expect(judgeTests(reportOf("skipped"), 0, "an engine")).toMatchObject({
      failed: 0,
      note: "skipped: needs an engine",
    });
    expect(judgeTests(reportOf("skipped"), 1, "an engine")).toMatchObject({ failed: 1 });
    expect(judgeTests(JSON.stringify({ testResults: [] }), 0, "an engine")).toMatchObject({ failed: 1 });
    expect(judgeTests(reportOf("passed", "skipped"), 0, "an engine").note).toBeUndefined();
  });

  test("a step without any test fails", () => {
    expect(judgeTests(JSON.stringify({ testResults: [] }), 0)).toMatchObject({ passed: 0, failed: 1 });
  });

  test("an error outside every test fails the step", () => {
    expect(judgeTests(reportOf("passed"), 1)).toMatchObject({ passed: 1, failed: 1 });
    expect(judgeTests(reportOf("passed"), null)).toMatchObject({ failed: 1, note: /ended by a signal/ });
  });
});
