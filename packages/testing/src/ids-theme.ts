import assert from "node:assert/strict";
import { DEFAULT_LIMIT, MAX_KEY_LENGTH, mapConcurrent, newRecordId, type Statements } from "@db/core";
import { idsOf, isStored, rejects, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { hostileText, prototypeNames } from "./hostile-text.ts";

export const ids: Theme = {
  name: "record ids",
  cases: {
    "keys of digits are strings, each its own": ({ db, collection }) =>
      keepApart(db, collection, ["1", "01", "1.0", "1e0", "+1", "-1", "0", "-0", "9007199254740993", "0x1", "1n"]),
    "a key may hold colons": ({ db, collection }) =>
      keepApart(db, collection, ["a:b", "a", ":", "::", "a:b:c", `${collection}:a`]),
    "keys that read like words of a language are text": ({ db, collection }) =>
      keepApart(db, collection, [
        "true",
        "false",
        "null",
        "none",
        "NONE",
        "NaN",
        "Infinity",
        "rand()",
        "ulid()",
        "[1]",
      ]),
    "keys that read like other key types are text": ({ db, collection }) =>
      keepApart(db, collection, [
        "018a6680-bef9-701b-9025-e1754f296a0f",
        "018A6680-BEF9-701B-9025-E1754F296A0F",
        "u'018a6680-bef9-701b-9025-e1754f296a0f'",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "{ a: 1 }",
        "['x', 1]",
        "2024-01-01T00:00:00Z",
      ]),
    "keys that differ only by case are two": ({ db, collection }) => keepApart(db, collection, ["key", "KEY", "Key"]),
    "keys that differ only by Unicode normalisation are two": ({ db, collection }) =>
      keepApart(db, collection, ["é", "e\u0301", "Å", "\u212b", "ﬁ", "fi"]),
    "keys that differ only by white space are two": ({ db, collection }) =>
      keepApart(db, collection, ["a b", "a  b", " a b", "a b ", "a\tb", "a\nb", "a\u00a0b", "ab", " "]),
    "a key of the greatest length is kept whole": ({ db, collection }) =>
      keepApart(db, collection, [
        "x".repeat(MAX_KEY_LENGTH),
        `${"x".repeat(MAX_KEY_LENGTH - 1)}y`,
        "x".repeat(MAX_KEY_LENGTH - 1),
        "😀".repeat(MAX_KEY_LENGTH / 2),
      ]),
    "hostile keys are keys": ({ db, collection }) => keepApart(db, collection, hostileText),
    "the names of prototypes are keys": ({ db, collection }) => keepApart(db, collection, prototypeNames),

    "an update or delete by a hostile id touches that record alone": async ({ db, collection }) => {
      const all = hostileText.map((key) => `${collection}:${key}`);
      await mapConcurrent(all, (id) => db.create(collection, { n: 0 }, { id }), { concurrency: 4 });
      for (const id of all) await db.update(id, { n: 1 }, { mode: "increment", expect: { n: 0 } });
      for (const id of all) await isStored(db, id, { n: 1 });
      const [kept, ...doomed] = all;
      for (const id of doomed) await db.delete(id, { expect: { n: 1 } });
      assert.deepEqual(idsOf((await db.find(collection)).items), [kept]);
    },

    "illegal ids are INVALID_RECORD_ID in every method": async ({ db, collection }) => {
      const illegal: readonly unknown[] = [
        "",
        collection,
        `${collection}:`,
        ":key",
        "1abc:key",
        "a b:key",
        "a-b:key",
        "é:key",
        `${"x".repeat(64)}:key`,
        `${collection}:${"x".repeat(MAX_KEY_LENGTH + 1)}`,
        `${collection}:a\0b`,
        `${collection}:\ud800`,
        `${collection}:a\udc00b`,
        undefined,
        null,
        1,
        {},
        [collection, "key"],
      ];
      for (const wrong of illegal) {
        const id = wrong as string;
        const what = `the id ${show(wrong)}`;
        await rejects(db.read(id), "INVALID_RECORD_ID", { what });
        await rejects(db.exists(id), "INVALID_RECORD_ID", { what });
        await rejects(db.update(id, { n: 1 }), "INVALID_RECORD_ID", { what });
        await rejects(db.delete(id), "INVALID_RECORD_ID", { what });
        if (wrong !== undefined) await rejects(db.create(collection, {}, { id }), "INVALID_RECORD_ID", { what });
      }
      assert.equal(await db.count(collection), 0);
    },

    "an id of another collection is refused at create": async ({ db, collection }) => {
      const id = newRecordId("another_collection");
      await rejects(db.create(collection, {}, { id }), "INVALID_RECORD_ID");
      assert.equal(await db.exists(id), false);
    },

    "illegal collection names are INVALID_QUERY": async ({ db }) => {
      const names: readonly unknown[] = ["", "1a", "a b", "a-b", "a;b", "a`b", "é", "x".repeat(64), null, 1, {}];
      for (const name of names) {
        const what = `the collection ${show(name)}`;
        await rejects(db.create(name as string, {}), "INVALID_QUERY", { what });
        await rejects(db.find(name as string), "INVALID_QUERY", { what });
        await rejects(db.count(name as string), "INVALID_QUERY", { what });
      }
    },
  },
};

/** Each key is a record of its own: created, read back, found and counted, and found by its id in a filter. */
async function keepApart(db: Statements, collection: string, keys: readonly string[]): Promise<void> {
  const all = keys.map((key) => `${collection}:${key}`);
  for (const [n, id] of all.entries()) {
    const written = await db.create(collection, { n }, { id });
    assert.equal(written.id, id);
  }
  for (const [n, id] of all.entries()) await isStored(db, id, { n });
  assert.equal(await db.count(collection), keys.length);
  const { items } = await db.find(collection, { limit: DEFAULT_LIMIT });
  assert.deepEqual([...idsOf(items)].sort(), [...all].sort());
  for (const id of all) {
    const found = await db.find(collection, { where: { op: "eq", path: ["id"], value: id } });
    assert.deepEqual(idsOf(found.items), [id], `the records with the id ${show(id)}`);
  }
}
