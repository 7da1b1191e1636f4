import { globSync, readFileSync } from "node:fs";
import { ERROR_CODES } from "@db/core";
import { expect, test } from "vitest";

const guide = readFileSync(new URL("troubleshooting.md", import.meta.url), "utf8");
const firstCells = guide.split("\n").map((line) => /^\| ([^|]*)\|/.exec(line)?.[1] ?? "");

test.each(ERROR_CODES)("%s has a row that says what to do", (code) => {
  expect(firstCells.some((cell) => cell.includes(`\`${code}\``))).toBe(true);
});

test("every kind of warning that a package emits has a row", () => {
  const packages = new URL("../../packages/", import.meta.url);
  const emitted = globSync("{core,metrics,models,pool,queue,retry,surreal}/src/*.ts", { cwd: packages })
    .map((file) => readFileSync(new URL(file, packages), "utf8"))
    .filter((source) => source.includes("emitWarning"))
    .flatMap((source) => source.match(/"\w+Warning"/g) ?? []);
  expect(new Set(emitted).size).toBeGreaterThan(3);
  for (const kind of new Set(emitted)) expect(firstCells).toContain(`${kind.replaceAll('"', "`")} `);
});
