import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startSurreal } from "@db/testing";
import { expect, test } from "vitest";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const section = readme.slice(readme.indexOf("## A SurrealDB server"), readme.indexOf("## The conformance suite"));

test("the example of the README runs", async () => {
  const source = /```ts\n(.*?)```/s.exec(section)?.[1] ?? "";
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
  expect(stdout).toMatch(/notes:1/);
});

test("the tables have every option and fault there is", async () => {
  const known = async (options: object): Promise<readonly string[]> => {
    const message = await startSurreal(options).catch((error: Error) => error.message);
    return String(message).split("expected one of ")[1]?.split(", ") ?? [];
  };
  const names = [...(await known({ unknown: 1 })), ...(await known({ faults: { unknown: 1 } }))];
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(section).toMatch(new RegExp(`\`${name}[\`:]`));
});
