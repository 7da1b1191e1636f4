import fc from "fast-check";
import { expect, test } from "vitest";
import { sanitizeQuery, summarizeQuery } from "../src/index.ts";
import { textOf } from "../src/text.ts";
import { secretQuery } from "./support/secret-query.ts";

test.each([
  ["SELECT * FROM notes WHERE a = 1", "SELECT notes"],
  ["select a, (SELECT b FROM c) FROM ONLY notes", "SELECT c"],
  ["CREATE notes:abc SET a = 1; UPDATE ONLY notes SET a = 2", "CREATE notes UPDATE notes"],
  ["DELETE FROM notes; UPSERT x; DELETE $id", "DELETE notes UPSERT x DELETE $id"],
  ["INSERT IGNORE INTO notes [{}]", "INSERT notes"],
  ["RELATE person:1->wrote->note:2", "RELATE wrote"],
  ["DEFINE TABLE x; REMOVE INDEX y ON x", "DEFINE TABLE REMOVE INDEX"],
  ["LET $x = (SELECT * FROM a); RETURN $x", "LET SELECT a RETURN"],
  ["SELECT created, record.delete FROM log", "SELECT log"],
  ["BEGIN; COMMIT", "BEGIN COMMIT"],
  ["RETURN 'SELECT * FROM secret'", "RETURN"],
  ["nonsense", undefined],
])("%s is %s", (query, summary) => {
  expect(summarizeQuery(sanitizeQuery(query))).toBe(summary);
});

test("a summary is at most 255 characters, holds whole names and no literal", () => {
  const names = Array.from({ length: 60 }, (_, index) => `collection_${index}`);
  const summary = summarizeQuery(names.map((name) => `DELETE ${name}`).join("; ")) ?? "";
  expect(summary.length).toBeLessThanOrEqual(255);
  expect(summary.split(" ").filter((word) => word !== "DELETE" && !names.includes(word))).toEqual([]);
  fc.assert(
    fc.property(secretQuery, ({ text, secrets }) => {
      const made = summarizeQuery(sanitizeQuery(text)) ?? "";
      for (const secret of secrets) expect(made).not.toContain(secret);
    }),
    { numRuns: 500 },
  );
});

test("a text is looked at once, a long one is cut, and texts without end take no memory without end", () => {
  expect(textOf(undefined)).toBeUndefined();
  const query = "SELECT * FROM notes";
  expect(textOf(query)).toBe(textOf(query));
  const long = textOf(`SELECT * FROM notes WHERE a IN [${"'SECRET', ".repeat(2_000)}]`);
  expect(long?.text.length).toBeLessThan(8_200);
  expect(long?.text.endsWith(" …")).toBe(true);
  expect(long?.text).not.toContain("SECRET");
  const first = textOf(query);
  for (let index = 0; index < 600; index += 1) textOf(`SELECT ${index} FROM notes`);
  expect(textOf(query)).not.toBe(first);
  expect(textOf(query)).toEqual(first);
});
