import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

import { DatabaseErrorOf, ERROR_CODES } from "../src/index.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");

test("the example of the README runs", { timeout: 30_000 }, async () => {
  const source = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
  expect(stdout).toContain("items: [ { title: 'Milk', stars: 5, id: 'notes:1' } ], next: null");
});

test("the table of errors has every code, and says rightly which are retryable", () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm)].map(([, code, retryable]) => [code, retryable]);
  const expected = ERROR_CODES.map((code) => [
    code,
    new DatabaseErrorOf(code, "m", {} as never).retryable ? "yes" : "no",
  ]);
  expect(rows).toEqual(expected);
});
