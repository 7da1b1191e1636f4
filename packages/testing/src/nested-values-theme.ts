import assert from "node:assert/strict";
import { eq, type Fields, isDatabaseError, isIn, type Statements, setField, type Value } from "@db/core";
import { idsOf, isStored, sameValue, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { prototypeNames } from "./hostile-text.ts";
import { keeps, refuses } from "./value-checks.ts";

export const nestedValues: Theme = {
  name: "nested values",
  cases: {
    "arrays are kept, with null, empty and mixed members": ({ db, collection }) =>
      keeps(db, collection, [[], [null], [[]], [[], [[]]], [1, "1", true, null, new Date(1), {}], [null, null]]),

    "objects are kept, with null, empty and nested fields": ({ db, collection }) =>
      keeps(db, collection, [{}, { a: {} }, { a: null }, { a: [] }, { b: { c: { d: [{ e: 1 }] } } }]),

    "values are kept fifty levels deep": async ({ db, collection }) => {
      let deepObject: Value = "bottom";
      let deepArray: Value = "bottom";
      for (let level = 0; level < 48; level += 1) {
        deepObject = { next: deepObject };
        deepArray = [deepArray];
      }
      await keeps(db, collection, [deepObject, deepArray]);
    },

    "a record of many fields is kept": async ({ db, collection }) => {
      const data = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field_${n}`, n % 2 === 0 ? n : `v${n}`]));
      const { id } = await db.create(collection, data);
      await isStored(db, id, data);
    },

    "objects without a prototype are objects": async ({ db, collection }) => {
      const bare = Object.assign(Object.create(null), { a: 1 }) as Fields;
      const { id } = await db.create(collection, { bare, list: [bare] });
      await isStored(db, id, { bare: { a: 1 }, list: [{ a: 1 }] });
    },

    "names that reach for a prototype are kept or refused, never obeyed": async ({ db, collection }) => {
      for (const name of prototypeNames) {
        const evil: { [field: string]: Value } = {};
        setField(evil, name, { polluted: true });
        for (const data of [evil, { nested: evil }, { list: [evil] }]) await keptOrRefused(db, collection, data);
        assert.equal(({} as { polluted?: unknown }).polluted, undefined, `Object.prototype after ${name}`);
      }
    },

    "what JSON parses with a prototype's name is kept or refused": async ({ db, collection }) => {
      await keptOrRefused(db, collection, JSON.parse('{"a":{"__proto__":{"polluted":true},"b":1}}') as Fields);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    },

    "values of the database's own types round trip, or are refused where there are none": async (context) => {
      const { db, collection, options } = context;
      const own = options.ownValues?.() ?? [];
      for (const { name, value, equal } of own) {
        const { id } = await db.create(collection, { own: value as Value, list: [value as Value] });
        const row = await db.read(id);
        const list = row?.list as readonly unknown[];
        assert.ok(equal(row?.own, value), `expected ${name} to be ${show(value)}, got ${show(row?.own)}`);
        assert.ok(equal(list[0], value), `expected ${name} in a list to be ${show(value)}, got ${show(list[0])}`);
        await db.update(id, { own: value as Value });
        assert.ok(equal((await db.read(id))?.own, value), `${name} after an update`);
        const page = await db.find(collection, { where: eq("own", value as Value) });
        assert.deepEqual(idsOf(page.items), [id], `what eq finds for ${name}`);
        assert.equal(
          await db.count(collection, isIn("own", ["other", value as Value])),
          1,
          `what in counts for ${name}`,
        );
      }
      class Foreign {
        readonly value = 1;
      }
      await refuses(db, collection, [new Foreign()]);
    },
  },
};

async function keptOrRefused(db: Statements, collection: string, data: Fields): Promise<void> {
  const written = await db.create(collection, data).catch((error: unknown) => error);
  if (isDatabaseError(written)) {
    assert.ok(["VALIDATION_FAILED", "UNSUPPORTED"].includes(written.code), `expected a refusal, got ${show(written)}`);
    return;
  }
  const row = await db.read((written as { readonly id: string }).id);
  const { id: _, ...fields } = row ?? { id: "" };
  sameValue(fields, data, "the record");
  assert.equal(Object.getPrototypeOf(row), Object.prototype);
}
