import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { describeDriver, MockDatabase } from "../src/index.ts";

const program = `
  import { after, describe, test } from "node:test";
  import { describeDriver, MockDatabase } from "@db/testing";

  describeDriver({
    name: "MockDatabase",
    connect: () => new MockDatabase(),
    capabilities: new MockDatabase().capabilities,
    runner: { describe, test, afterAll: after },
    except: { "a text of a megabyte is kept": "to see that a case can be left out" },
  });
`;

test("the suite runs under node:test, leaves out what it is told to and lets the process end", async () => {
  const cwd = `${import.meta.dirname}/..`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--test-reporter=tap", "--input-type=module", "--eval", program],
    { cwd, maxBuffer: 16 * 2 ** 20 },
  );
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
