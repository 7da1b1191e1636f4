import { and, type CallContext, contains, createDatabase, eq, gt, type Layer, type Operation } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, test } from "vitest";
import { type Dialect, SURREAL_2, SURREAL_3, SURREAL_3_OTHER } from "../src/dialect.ts";
import { countText, findText, type Statement } from "../src/find-text.ts";
import { ledgeredText, pageText } from "../src/ledger-text.ts";
import { createText, deleteText, updateText } from "../src/write-text.ts";

const asked: (readonly [Operation, CallContext])[] = [];
const noting: Layer = (next) =>
  function note(operation, context) {
    asked.push([operation as Operation, context]);
    return next(operation, context);
  };

/** One statement of each sort, as the façade builds its operation. */
async function askAll(): Promise<void> {
  await using db = createDatabase({ driver: new MockDatabase(), layers: [noting] });
  await db.connect();
  const where = and(eq(["a", "b"], 1), gt("n", new Date(0)), contains("text", "x"));
  await db.create("rows", { n: 1, m: 2 }, { id: "rows:1" });
  await db.update("rows:1", { n: 2 }, { expect: { n: 1 }, returning: true });
  await db.update("rows:1", { m: undefined, n: 3 });
  await db.update("rows:1", { n: 4 }, { mode: "increment" });
  await db.update("rows:1", { n: 5 }, { mode: "replace" });
  await db.create("rows", { n: 1 }, { id: "rows:2" });
  const page = await db.find("rows", { limit: 1 });
  await db.find("rows", { limit: 1, after: page.next ?? "" });
  const ordered = await db.find("rows", { order: [["n", "desc"]], limit: 1 });
  await db.find("rows", { order: [["n", "desc"]], limit: 1, after: ordered.next ?? "" });
  await db.count("rows", where);
  await db.delete("rows:1", { expect: { n: 5 } });
}

function textOf(operation: Operation, context: CallContext, dialect: Dialect): readonly Statement[] {
  const written = (statement: Statement): readonly Statement[] => [
    statement,
    ...(operation.kind === "create" || operation.kind === "update" || operation.kind === "delete"
      ? [ledgeredText(operation, statement, context, dialect)]
      : []),
  ];
  switch (operation.kind) {
    case "create":
      return written(createText(operation, dialect));
    case "update":
      return written(updateText(operation, dialect));
    case "delete":
      return written(deleteText(operation, dialect));
    case "find":
      return [findText(operation, dialect)];
    case "count":
      return [countText(operation, dialect)];
    default:
      return [];
  }
}

await askAll();
const all = (dialect: Dialect): readonly string[] => [
  ...asked.flatMap(([operation, context]) => textOf(operation, context, dialect)).map(({ text }) => text),
  pageText("a", "b", 1_000, 10, dialect).text,
];

test("nothing that SurrealDB 2 has not is said to it", () => {
  const [texts, ofThree] = [all(SURREAL_2), all(SURREAL_3)];
  const newer = /type::(?:is_|of|record)|object::(?:extend|remove)|duration::from_|\\u\{|(?:CREATE|UPDATE|DELETE) ONLY/;
  expect(texts.filter((text) => newer.test(text))).toEqual([]);
  expect(ofThree.filter((text) => newer.test(text)).length).toBeGreaterThan(10);
});

test("nothing that SurrealDB 3 has given up is said to it", () => {
  const older = /type::is::|type::thing|duration::from::/;
  expect(all(SURREAL_3).filter((text) => older.test(text))).toEqual([]);
  expect(all(SURREAL_2).filter((text) => older.test(text)).length).toBeGreaterThan(3);
});

test("ONLY, which 3.0.1 refuses where nothing comes back, is said to 3.0.2 alone", () => {
  const only = /(?:CREATE|UPDATE|DELETE) ONLY/;
  expect(all(SURREAL_3_OTHER).filter((text) => only.test(text))).toEqual([]);
  expect(all(SURREAL_3).filter((text) => only.test(text)).length).toBeGreaterThan(5);
});

test("the values of a statement are the same in both", () => {
  const values = (dialect: Dialect) =>
    asked.flatMap(([operation, context]) => textOf(operation, context, dialect)).map((one) => Object.keys(one.values));
  expect(values(SURREAL_2)).toEqual(values(SURREAL_3));
});

test("a path of SurrealDB 2 ends at a link, and grows with its length alone", () => {
  expect(SURREAL_2.path(["$a"])).toBe("$this[$a]");
  expect(SURREAL_2.path(["$a", "$b"])).toBe("(IF type::is::record($this[$a]) { NONE } ELSE { $this[$a][$b] })");
  const names = Array.from({ length: 32 }, (_, index) => `$p${index}`);
  expect(SURREAL_2.path(names).length).toBeLessThan(5_000);
});
