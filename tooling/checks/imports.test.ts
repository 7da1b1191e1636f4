import { describe, expect, test } from "vitest";
import { findImports, type Import } from "./imports.ts";

const cases: readonly (readonly [source: string, expected: readonly Import[]])[] = [
  ['import "a";', [{ specifier: "a", kind: "static" }]],
  ["import 'a'", [{ specifier: "a", kind: "static" }]],
  ['import a from "a";', [{ specifier: "a", kind: "static" }]],
  ['import * as a from "@s/a/b";', [{ specifier: "@s/a/b", kind: "static" }]],
  ['import a, { b as c, type D } from "./a.ts";', [{ specifier: "./a.ts", kind: "static" }]],
  ['import {\n  a, // from "x"\n  b,\n} from "a";', [{ specifier: "a", kind: "static" }]],
  ['import type { A } from "a";', [{ specifier: "a", kind: "type" }]],
  ['import type from "a";', [{ specifier: "a", kind: "static" }]],
  ['import { type A } from "a";', [{ specifier: "a", kind: "static" }]],
  ['import a from "a" with { type: "json" };', [{ specifier: "a", kind: "static" }]],
  ['export * from "a";', [{ specifier: "a", kind: "static" }]],
  ['export * as b from "a";', [{ specifier: "a", kind: "static" }]],
  ['export { a, type B } from "a";', [{ specifier: "a", kind: "static" }]],
  ['export type { A } from "a";', [{ specifier: "a", kind: "type" }]],
  ['const a = await import("a");', [{ specifier: "a", kind: "dynamic" }]],
  ["const a = import(`a`);", [{ specifier: "a", kind: "dynamic" }]],
  ['let a: import("a").B;', [{ specifier: "a", kind: "dynamic" }]],
  ['const a = require("a");', [{ specifier: "a", kind: "dynamic" }]],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text that holds a template
  ['const a = `x ${(await import("a")).b} y ${`${c}`} z`; import "b";', imports("dynamic:a", "static:b")],
  ['const a = b / c; // "\nimport "d";', [{ specifier: "d", kind: "static" }]],
  ['const a = /["`]/g; import "d";', [{ specifier: "d", kind: "static" }]],
  ['const a = "\\""; import "d";', [{ specifier: "d", kind: "static" }]],
  ['import "a"\nimport b from "b"\nimport("c")', imports("static:a", "static:b", "dynamic:c")],
  // Not imports.
  ['// import "a";\n/* import "b"; */', []],
  ["const a = 'import \"a\";';", []],
  ['const a = `import "a";`;', []],
  ["import.meta.url;", []],
  ['const a = { from: "a" }; export { a };', []],
  ['export { a }; const from = "b";', []],
  ['export type A = "from" | "a"; const x = from; "b";', []],
  ['export const a = [...b.from("a")];', []],
  ['module.import("a");', []],
  ["import(name);", []],
];

function imports(...all: readonly `${Import["kind"]}:${string}`[]): readonly Import[] {
  return all.map((one) => {
    const [kind, specifier] = one.split(":") as [Import["kind"], string];
    return { specifier, kind };
  });
}

describe("findImports", () => {
  test.each(cases)("%s", (source, expected) => {
    expect(findImports(source)).toEqual(expected);
  });
});
