import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import { afterAll, expect, test } from "vitest";
import { freshPath } from "./support/engines.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const examples = [...readme.matchAll(/```ts(?: no_run)?\n(.*?)```/gs)].map(([, source = ""]) => source);
const server = await startSurreal();
afterAll(() => server.close());

test("the README has examples", () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test("the tables of options have every option there is", () => {
  const known = (): string => {
    try {
      surreal({ url: "mem://", namespace: "n", database: "d", unknown: 1 } as never);
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  const options = known().split("expected one of ")[1]?.split(", ") ?? [];
  expect(options.length).toBeGreaterThan(15);
  const tables = readme.slice(readme.indexOf("## Options"), readme.indexOf("## What can do what"));
  for (const option of options) expect(tables).toContain(`\`${option}\``);
});

test.each(examples.map((source, index) => [index + 1, source] as const))(
  "example %i of the README runs and ends by itself",
  async (_, source) => {
    const here = source.replace("./data/shop", freshPath()).replace("ws://127.0.0.1:8000", server.url);
    const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", here];
    const { stderr } = await promisify(execFile)(process.execPath, args, {
      cwd: fileURLToPath(folder),
      timeout: 20_000,
    });
    expect(stderr).toBe("");
  },
);
