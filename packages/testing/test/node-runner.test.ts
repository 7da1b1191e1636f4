import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeDriver, MockDatabase } from "../src/index.ts";

test("the suite runs under node:test, leaves out what it is told to and lets the process end", async () => {
  const fixture = `${import.meta.dirname}/node-runner.fixture.ts`;
  const flags = ["--disable-warning=ExperimentalWarning", "--test", "--test-reporter=tap", fixture];
  // Set where vitest itself runs under node:test; then the child would report in its parent's format.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, flags, { env });
  expect(stdout).toMatch(/^# fail 0$/m);
  expect(stdout).toMatch(/^# skipped 1$/m);
  expect(stdout).toContain("a text of a megabyte is kept (left out: to see that a case can be left out) # SKIP");
  expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(150);
}, 30_000);

test("a title that is no case cannot be left out", () => {
  const { capabilities } = new MockDatabase();
  const runner = { describe: () => {}, test: () => {} };
  const options = { name: "mock", connect: () => new MockDatabase(), capabilities, runner };
  expect(() => describeDriver({ ...options, except: { "no such case": "x" } })).toThrow(/got "no such case"/);
});
