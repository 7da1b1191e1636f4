import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { freshPath } from "./support/engines.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
/** Those that need no server. */
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)]
  .map(([, source = ""]) => source)
  .filter((source) => /(?:mem|rocksdb):\/\//.test(source));

test("the README has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(4);
});

test.each(examples.map((source, index) => [index + 1, source] as const))(
  "example %i of the README runs and ends by itself",
  async (_, source) => {
    const here = source.replace("./data/shop", freshPath());
    const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", here];
    const { stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: fileURLToPath(folder),
      timeout: 20_000,
    });
    expect(stderr).toBe("");
  },
);
