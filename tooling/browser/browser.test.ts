import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../checks/workspace.ts";

const program = join(root, "tooling/browser/browser.ts");
// Older ones do not tell a program that it is the main one.
const node = join(root, "node_modules/.bin/node");

/** With a browser, so that none is installed whatever it makes of its arguments. */
function run(...args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { ...process.env, CHROMIUM_PATH: process.execPath };
  return new Promise((resolve) => {
    execFile(node, ["--disable-warning=ExperimentalWarning", program, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test("it prints where the browser is", async () => {
  expect(await run()).toEqual({ code: 0, stdout: `${process.execPath}\n`, stderr: "" });
});

test("--help explains it and does nothing, and what it does not know is refused", async () => {
  expect(await run("--help")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: npm run browser/) });
  for (const wrong of ["--install", "chromium"]) {
    expect(await run(wrong)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(wrong) });
  }
});
