import assert from "node:assert/strict";
import { type Fields, isDatabaseError, type Statements, setField, type Value } from "@db/core";
import { isStored, rejects, sameValue, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { prototypeNames } from "./hostile-text.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

export const values: Theme = {
  name: "values",
  cases: {
    "null, true and false are kept": ({ db, collection }) => keeps(db, collection, [null, true, false]),
    "null is not missing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { none: null, nested: { none: null } });
      const row = await db.read(id);
      assert.deepEqual(Object.keys(row ?? {}).sort(), ["id", "nested", "none"]);
      assert.deepEqual(Object.keys(row?.nested as object), ["none"]);
    },
    "whole numbers are kept, as numbers": ({ db, collection }) =>
      keeps(db, collection, [0, 1, -1, 255, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1]),
    "whole numbers beyond 2⁵³ are kept exactly, as bigints": async ({ db, collection }) => {
      const big = [9_007_199_254_740_993n, -9_007_199_254_740_993n, MAX, MIN, MAX - 1n];
      await keeps(db, collection, big);
      const { id } = await db.create(collection, { n: MAX });
      assert.equal(typeof (await db.read(id))?.n, "bigint");
    },
    "a small bigint is read back as a number": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 5n, list: [0n, -7n], nested: { n: 9_007_199_254_740_991n } });
      const row = await db.read(id);
      assert.deepEqual([row?.n, row?.list, row?.nested], [5, [0, -7], { n: 9_007_199_254_740_991 }]);
    },
    "fractions are kept exactly": ({ db, collection }) =>
      keeps(db, collection, [
        0.1,
        -0.5,
        0.1 + 0.2,
        1 / 3,
        Math.PI,
        1e300,
        -1e300,
        5e-324,
        1.7976931348623157e308,
        1e-7,
      ]),
    "minus zero is kept as a zero": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: -0 });
      assert.equal(Math.abs((await db.read(id))?.n as number), 0);
    },
    "text is kept to the last code point": ({ db, collection }) =>
      keeps(db, collection, ["", " ", "a", "\u0001\u001f\u007f", "\r\n\t", "é", "e\u0301", "\u{10ffff}", "👩‍👩‍👧‍👦"]),
    "a text of a megabyte is kept": async ({ db, collection }) => {
      await keeps(db, collection, ["0123456789abcdé".repeat(70_000).slice(0, 1_000_000)]);
    },
    "dates are kept to the millisecond, also before 1970": ({ db, collection }) =>
      keeps(
        db,
        collection,
        [
          "1970-01-01T00:00:00.000Z",
          "1969-12-31T23:59:59.999Z",
          "1969-12-31T23:59:59.001Z",
          "2024-02-29T23:59:59.999Z",
          "2001-09-09T01:46:40.001Z",
          "0001-01-01T00:00:00.007Z",
          "9999-12-31T23:59:59.999Z",
        ].map((text) => new Date(text)),
      ),
    "a date is a Date and not its text": async ({ db, collection }) => {
      const at = new Date("2024-01-02T03:04:05.678Z");
      const { id } = await db.create(collection, { at, text: at.toISOString() });
      const row = await db.read(id);
      assert.ok(row?.at instanceof Date);
      assert.equal(row.text, "2024-01-02T03:04:05.678Z");
    },
    "bytes are kept, as a Uint8Array": async ({ db, collection }) => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      await keeps(db, collection, [new Uint8Array(), Uint8Array.of(0), all, all.subarray(3, 9), Buffer.from("é")]);
      const { id } = await db.create(collection, { bytes: all });
      assert.ok((await db.read(id))?.bytes instanceof Uint8Array);
    },
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

    "numbers that are not finite are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]),
    "whole numbers beyond 64 bits are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [MAX + 1n, MIN - 1n, 2n ** 200n]),
    "undefined inside a value is VALIDATION_FAILED": async ({ db, collection }) => {
      await refuses(db, collection, [{ a: undefined }, [undefined], [1, undefined]]);
    },
    "functions and symbols are VALIDATION_FAILED": ({ db, collection }) =>
      refuses(db, collection, [() => 1, Symbol("s"), class {}]),
    "instances of classes are VALIDATION_FAILED": async ({ db, collection }) => {
      class Point {
        readonly x = 1;
      }
      await refuses(db, collection, [
        new Point(),
        new Map([["a", 1]]),
        new Set([1]),
        /a/,
        new Error("e"),
        new URL("a:b"),
      ]);
      await refuses(db, collection, [Promise.resolve(1), new WeakMap(), new Number(1), new String("s")]);
    },
    "an invalid date is VALIDATION_FAILED": ({ db, collection }) => refuses(db, collection, [new Date(Number.NaN)]),
    "text that is not well-formed is VALIDATION_FAILED": async ({ db, collection }) => {
      await refuses(db, collection, ["\ud800", "a\udc00b", "😀".slice(0, 1)]);
      await refuses(db, collection, [{ "\ud800": 1 }, { "": 1 }, { "a\0b": 1 }]);
      for (const name of ["\ud800", "", "a\0b"]) {
        await rejects(db.create(collection, { [name]: 1 }), "VALIDATION_FAILED", { what: `a field ${show(name)}` });
      }
    },
    "a cycle is VALIDATION_FAILED": async ({ db, collection }) => {
      const object: { [field: string]: unknown } = {};
      object.self = object;
      const list: unknown[] = [];
      list.push(list);
      await refuses(db, collection, [object, list]);
    },
    "a refused value names its path": async ({ db, collection }) => {
      const error = await rejects(db.create(collection, { a: [{ b: Number.NaN }] }), "VALIDATION_FAILED");
      const path = error.code === "VALIDATION_FAILED" ? error.facts.issues[0]?.path : undefined;
      assert.deepEqual(path?.slice(-3), ["a", 0, "b"]);
      assert.equal(await db.count(collection), 0);
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
      }
      class Foreign {
        readonly value = 1;
      }
      await refuses(db, collection, [new Foreign()]);
    },
  },
};

/** Each value, on its own, nested and in an array, through create and through update. */
async function keeps(db: Statements, collection: string, all: readonly Value[]): Promise<void> {
  for (const value of all) {
    const data = { value, nested: { value }, list: [value] };
    const { id } = await db.create(collection, data);
    await isStored(db, id, data);
    await db.update(id, { value: "other", again: value });
    await db.update(id, { value }, { mode: "merge" });
    await isStored(db, id, { ...data, again: value });
  }
}

/** Each value at the top, nested and in an array, in every method that takes one; and nothing was written. */
async function refuses(db: Statements, collection: string, all: readonly unknown[]): Promise<void> {
  const { id } = await db.create(collection, { n: 1 });
  const count = await db.count(collection);
  for (const wrong of all) {
    const value = wrong as Value;
    const what = `the value ${show(wrong)}`;
    await rejects(db.create(collection, { value }), "VALIDATION_FAILED", { what });
    await rejects(db.create(collection, { nested: { list: [value] } }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { value }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { value }, { mode: "replace" }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { n: 2 }, { expect: { value } }), "VALIDATION_FAILED", { what });
    await rejects(db.delete(id, { expect: { value } }), "VALIDATION_FAILED", { what });
    await rejects(db.find(collection, { where: { op: "eq", path: ["n"], value } }), "INVALID_QUERY", { what });
  }
  await isStored(db, id, { n: 1 });
  assert.equal(await db.count(collection), count);
}

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
