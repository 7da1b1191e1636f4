import { describe, expect, test } from "vitest";
import { namesOf, optionsTypes, readReadme, readReports, tabledOptions, wordsInCode } from "./readme-options.ts";
import { publishedMembers } from "./workspace.ts";

describe.each(publishedMembers().map((member) => [member.folder, member] as const))("%s", (_, member) => {
  const readme = readReadme(member);
  const reports = readReports(member);

  test("every option that it exports is in its README", () => {
    const told = wordsInCode(readme);
    const untold = optionsTypes(reports).flatMap(({ name, options }) =>
      options.filter((option) => !told.has(option)).map((option) => `${name}.${option}`),
    );
    expect(untold).toEqual([]);
  });

  test("every option in a table of its README exists", () => {
    const known = namesOf(reports);
    expect(tabledOptions(readme).filter((option) => !known.has(option))).toEqual([]);
  });
});

test("options are read from a report, tables from a README", () => {
  const report =
    "export interface PartOptions<T> extends Other {\n    // (undocumented)\n    readonly a?: number;\n    b(x: T): void;\n}\n";
  expect(optionsTypes(report)).toEqual([{ name: "PartOptions", options: ["a", "b"] }]);
  const readme =
    "Text `word`.\n\n| option | meaning | default |\n| --- | --- | --- |\n| `a`, `b(x)` | | |\n\n| call | |\n| --- | --- |\n| `c` | |\n";
  expect(tabledOptions(readme)).toEqual(["a", "b"]);
  expect([...wordsInCode(readme)]).toEqual(["word", "a", "b", "x", "c"]);
});
