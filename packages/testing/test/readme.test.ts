import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const sources = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, source = ""]) => source);
// What imports a file of the reader's cannot run.
const programs = sources.filter((source) => !source.includes('"../src/'));

describe("the examples of the README", () => {
  test("are these", () => expect(programs.length).toBe(4));

  test.each(programs.map((source, index) => ({ source, number: index + 1 })))(
    "number $number runs",
    {
      timeout: 30_000,
    },
    async ({ source }) => {
      const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", source];
      await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
    },
  );
});
