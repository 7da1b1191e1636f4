import assert from "node:assert/strict";
import {
  and,
  contains,
  eq,
  type Fields,
  isIn,
  mapConcurrent,
  ne,
  type Path,
  type Statements,
  setField,
} from "@db/core";
import { idsOf, isStored, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { hostileText } from "./hostile-text.ts";

export const hostile: Theme = {
  name: "hostile text",
  cases: {
    "is kept as a value": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, { text, list: [text], nested: { text } }));
    },

    "is kept as the name of a field": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, field(text, 1)));
      await roundTrip(db, collection, Object.assign({}, ...hostileText.map((text, n) => field(text, n))));
    },

    "is kept as the name of a nested field": async ({ db, collection }) => {
      await each((text) => roundTrip(db, collection, { nested: field(text, field(text, [field(text, 1)])) }));
    },

    "a nested field may be called id": async ({ db, collection }) => {
      await roundTrip(db, collection, { nested: { id: "x", n: { id: `${collection}:1` } }, list: [{ id: 1 }] });
    },

    "can be set, removed and incremented as a field by update": async ({ db, collection }) => {
      await each(async (text) => {
        const { id } = await db.create(collection, { kept: true });
        await db.update(id, field(text, "set"));
        await isStored(db, id, { kept: true, ...field(text, "set") });
        await db.update(id, { [text]: undefined });
        await isStored(db, id, { kept: true });
        await db.update(id, field(text, 2), { mode: "increment", expect: field(text, null) });
        await db.update(id, field(text, 3), { mode: "increment", expect: field(text, 2) });
        await isStored(db, id, { kept: true, ...field(text, 5) });
        await db.update(id, field(text, 1), { mode: "replace" });
        await isStored(db, id, field(text, 1));
      });
    },

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

    "cannot reach another collection": async ({ db, collection }) => {
      const bystander = `${collection}_bystander`;
      const { id } = await db.create(bystander, { untouched: true });
      const attacks = [
        `x'; DELETE ${bystander}; --`,
        `x"; DELETE ${bystander}; --`,
        `x\`; DELETE ${bystander}; --`,
        `x⟩; DELETE ${bystander}; --`,
        `x\\'; DELETE ${bystander}; --`,
        `x; DROP TABLE ${bystander}; --`,
        `x UNION SELECT * FROM ${bystander}`,
      ];
      for (const attack of attacks) {
        const made = await db.create(collection, field(attack, attack), { id: `${collection}:${attack}` });
        await db.update(made.id, { ...field(attack, undefined as never), more: attack });
        const page = await db.find(collection, { where: eq(attack, attack), order: [[attack, "desc"]] });
        assert.deepEqual(page.items, []);
        await db.count(collection, isIn(attack, [attack]));
        await db.delete(made.id, { expect: { more: attack } });
      }
      await isStored(db, id, { untouched: true });
      assert.equal(await db.count(bystander), 1);
    },
  },
};

async function each(run: (text: string, index: number) => Promise<void>): Promise<void> {
  await mapConcurrent(hostileText, run, { concurrency: 4 });
}

function field(name: string, value: Fields[string]): Fields {
  const fields = {};
  setField(fields, name, value);
  return fields;
}

async function roundTrip(db: Statements, collection: string, data: Fields): Promise<void> {
  const { id } = await db.create(collection, data);
  await isStored(db, id, data);
}

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
