import { readFile } from "node:fs/promises";
import { startSurreal } from "@db/testing";
import { expect, test } from "vitest";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const section = readme.slice(readme.indexOf("## A SurrealDB server"), readme.indexOf("## The conformance suite"));

test("the tables have every option and fault of startSurreal there is", async () => {
  const known = async (options: object): Promise<readonly string[]> => {
    const message = await startSurreal(options).catch((error: Error) => error.message);
    return String(message).split("expected one of ")[1]?.split(", ") ?? [];
  };
  const names = [...(await known({ unknown: 1 })), ...(await known({ faults: { unknown: 1 } }))];
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(section).toMatch(new RegExp(`\`${name}[\`:]`));
});
