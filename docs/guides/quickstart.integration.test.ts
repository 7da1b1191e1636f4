import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

test("the first program of the README runs, ends by itself, and finds its data when it runs again", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "db-quickstart-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  for (const _ of ["first", "second"]) {
    const run = promisify(execFile)(process.execPath, [path("quickstart.ts")], { cwd, timeout: 20_000 });
    await expect(run).resolves.toMatchObject({ stdout: expect.stringMatching(/customer: 'ann'[\s\S]*paid: true/) });
  }
});

test("the README shows that very program", () => {
  expect(readFileSync(path("../../README.md"), "utf8")).toContain(readFileSync(path("quickstart.ts"), "utf8"));
});
