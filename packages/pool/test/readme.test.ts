import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ConnectionPool } from "../src/index.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");

test("the example of the README runs", { timeout: 30_000 }, async () => {
  const source = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
  expect(stdout).toBe("hello 1\nACQUIRE_TIMEOUT report\n");
});

test("the tables of options have every option there is", () => {
  const known = (): string => {
    try {
      new ConnectionPool({ create: () => 1, destroy: () => {}, unknown: 1 } as never);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  const options = known().split("expected one of ")[1]?.split(", ") ?? [];
  expect(options.length).toBeGreaterThan(20);
  const tables = readme.slice(readme.indexOf("## Options"), readme.indexOf("## Telemetry"));
  for (const option of options) expect(tables).toMatch(new RegExp(`\`${option}[\`(]`));
});
