import assert from "node:assert/strict";
import { and, contains, eq, isIn, ne, type Path, type Statements } from "@db/core";
import { idsOf, isStored, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { hostileText } from "./hostile-text.ts";
import { each, field } from "./text-checks.ts";

export const hostileQueries: Theme = {
  name: "hostile text in queries",
  cases: {
    "is found by eq, and by nothing else": async (context) => {
      const { db, collection, all } = await oneRecordEach(context);
      await each(async (text) => {
        await finds(db, collection, eq("text", text), [all.get(text)], text);
      });
    },

    "is found by eq at a nested path": async (context) => {
      const { db, collection, all } = await oneRecordEach(context);
      await each(async (text) => {
        await finds(db, collection, eq(["nested", "text"], text), [all.get(text)], text);
      });
    },

    "is left out by ne, and nothing else is": async (context) => {
      const { db, collection, all } = await oneRecordEach(context);
      for (const text of hostileText) {
        const others = hostileText.filter((other) => other !== text).map((other) => all.get(other));
        await finds(db, collection, ne("text", text), others, text);
      }
    },

    "is found in a list of values": async (context) => {
      const { db, collection, all } = await oneRecordEach(context);
      await finds(db, collection, isIn("text", hostileText), [...all.values()], "all texts");
      const few = hostileText.filter((_, index) => index % 3 === 0);
      await finds(
        db,
        collection,
        isIn("text", few),
        few.map((text) => all.get(text)),
        "a third of the texts",
      );
    },

    "is found by contains, as part of a text and as member of an array": async (context) => {
      const { db, collection, all } = await oneRecordEach(context);
      await each(async (text) => {
        const having = hostileText.filter((other) => other.includes(text)).map((other) => all.get(other));
        await finds(db, collection, contains("text", text), having, text);
        await finds(db, collection, contains("list", text), [all.get(text)], text);
      });
    },

    "is a path of a filter": async ({ db, collection }) => {
      await each(async (text, n) => {
        const { id } = await db.create(collection, { n, ...field(text, `v${n}`), nested: field(text, field(text, n)) });
        await finds(db, collection, and(eq("n", n), eq([text], `v${n}`)), [id], text);
        await finds(db, collection, and(eq("n", n), eq(["nested", text, text], n)), [id], text);
        await finds(db, collection, and(eq("n", n), ne([text], `v${n}`)), [], text);
      });
    },

    "is a path of an order": async ({ db, collection }) => {
      for (const text of hostileText) {
        const made: string[] = [];
        for (const n of [2, 3, 1]) {
          made.push((await db.create(collection, { of: text, ...field(text, n), nested: field(text, n) })).id);
        }
        const [two, three, one] = made;
        const where = eq("of", text);
        const up = await db.find(collection, { where, order: [[[text], "asc"]] });
        assert.deepEqual(idsOf(up.items), [one, two, three], `ordered by ${show(text)}`);
        const down = await db.find(collection, { where, order: [[["nested", text], "desc"]] });
        assert.deepEqual(idsOf(down.items), [three, two, one], `ordered by nested ${show(text)}`);
      }
    },

    "a dotted name is one field and never a path": async ({ db, collection }) => {
      const dotted = await db.create(collection, { "a.b": 1 });
      const nested = await db.create(collection, { a: { b: 1 } });
      await finds(db, collection, eq("a.b", 1), [dotted.id], "a.b");
      await finds(db, collection, eq(["a", "b"], 1), [nested.id], "a, b");
      await db.update(nested.id, { "a.b": 2 });
      await isStored(db, nested.id, { a: { b: 1 }, "a.b": 2 });
    },
  },
};

/** One record for each text. */
async function oneRecordEach({ db, collection }: CaseContext): Promise<{
  readonly db: Statements;
  readonly collection: string;
  readonly all: ReadonlyMap<string, string>;
}> {
  const all = new Map<string, string>();
  await each(async (text) => {
    const { id } = await db.create(collection, { text, list: ["x", text], nested: { text } });
    all.set(text, id);
  });
  return { db, collection, all };
}

async function finds(
  db: Statements,
  collection: string,
  where: NonNullable<Parameters<Statements["count"]>[1]>,
  expected: readonly (string | undefined)[],
  text: Path,
): Promise<void> {
  const { items } = await db.find(collection, { where, limit: 1_000 });
  assert.deepEqual([...idsOf(items)].sort(), [...expected].sort(), `what ${where.op} finds for ${show(text)}`);
}
