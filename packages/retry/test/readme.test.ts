import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { BACKOFF_KEYS } from "../src/backoff.ts";
import { BREAKER_KEYS } from "../src/breaker.ts";
import { POLICY_KEYS } from "../src/policy.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");

test("the example of the README runs", { timeout: 30_000 }, async () => {
  const source = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
  expect(stdout.split("\n")).toEqual([
    "done at attempt 3",
    "{ attempt: 1, aborted: false, inTime: true }",
    "TypeError: a mistake, which no retry mends 1 not-retryable",
    "",
  ]);
});

test("its tables name every option", () => {
  const named = [...readme.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap(
    ([, cell = ""]) => cell.match(/\w+/g) ?? [],
  );
  expect(new Set(named)).toEqual(new Set([...POLICY_KEYS, ...BACKOFF_KEYS, ...BREAKER_KEYS]));
});
