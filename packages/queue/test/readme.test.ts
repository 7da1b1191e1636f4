import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { OPTION_KEYS } from "../src/options.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");

test("the example of the README runs", { timeout: 60_000 }, async () => {
  const source = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  // Where its relative path may make a file.
  const cwd = mkdtempSync(join(tmpdir(), "db-queue-readme-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(join(folder, "node_modules/@db"), join(cwd, "node_modules/@db"));
  const own = source.replace('"@db/queue"', JSON.stringify(new URL("../src/index.ts", import.meta.url).href));
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", own];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
  expect(stdout.split("\n")).toEqual(["committed", "queued waiting 1", "applied { id: 'counters:visits', n: 1 }", ""]);
});

test("the tables of options have every option there is", () => {
  const tables = readme.slice(readme.indexOf("## Options"), readme.indexOf("## How it works"));
  for (const option of OPTION_KEYS) expect(tables).toMatch(new RegExp(`^\\|.*\`${option}\`.*\\|`, "m"));
});
