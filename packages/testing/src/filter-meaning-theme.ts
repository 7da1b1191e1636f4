import assert from "node:assert/strict";
import {
  and,
  contains,
  eq,
  type Filter,
  gt,
  gte,
  isIn,
  lt,
  lte,
  matchesFilter,
  ne,
  not,
  or,
  type Value,
} from "@db/core";
import { idsOf, rejects, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";

export const filterMeaning: Theme = {
  name: "the meaning of filters",
  cases: {
    "eq null matches null and missing, ne null what has a value": async (context) => {
      const { db, collection } = context;
      const missing = await db.create(collection, { other: 1 });
      const none = await db.create(collection, { v: null });
      const some = await db.create(collection, { v: 0 });
      await finds(context, eq("v", null), [missing.id, none.id]);
      await finds(context, ne("v", null), [some.id]);
      await finds(context, isIn("v", [null]), [missing.id, none.id]);
      await finds(context, eq(["v", "deeper"], null), [missing.id, none.id, some.id]);
    },

    "a comparison matches values of its own type alone": async (context) => {
      const { db, collection } = context;
      const number = await db.create(collection, { v: 5 });
      const text = await db.create(collection, { v: "5" });
      const date = await db.create(collection, { v: new Date(5) });
      const flag = await db.create(collection, { v: true });
      await db.create(collection, { v: null });
      await db.create(collection, {});
      await db.create(collection, { v: [5] });
      await db.create(collection, { v: { v: 5 } });
      await finds(context, gte("v", 0), [number.id]);
      await finds(context, lt("v", 10), [number.id]);
      await finds(context, gte("v", ""), [text.id]);
      await finds(context, gte("v", new Date(0)), [date.id]);
      await finds(context, lte("v", true), [flag.id]);
    },

    "text compares by code point, not by UTF-16 unit or locale": async (context) => {
      const { db, collection } = context;
      const made = new Map<string, string>();
      for (const v of ["Z", "a", "é", "z", "\uffff", "😀"]) made.set(v, (await db.create(collection, { v })).id);
      const of = (...keys: readonly string[]): (string | undefined)[] => keys.map((key) => made.get(key));
      await finds(context, gt("v", "\uffff"), of("😀"));
      await finds(context, lt("v", "a"), of("Z"));
      await finds(context, gt("v", "z"), of("é", "\uffff", "😀"));
      await finds(context, lte("v", "😀"), [...made.values()]);
    },

    "contains takes text as it is, not as a pattern": async (context) => {
      const { db, collection } = context;
      const percent = await db.create(collection, { v: "100%" });
      const underscore = await db.create(collection, { v: "a_b" });
      const dot = await db.create(collection, { v: "a.b" });
      await db.create(collection, { v: "100 a-b" });
      await finds(context, contains("v", "0%"), [percent.id]);
      await finds(context, contains("v", "a_"), [underscore.id]);
      await finds(context, contains("v", "a.b"), [dot.id]);
      await finds(context, contains("v", "A_"), []);
    },

    "and without conditions matches all, or without conditions nothing": async (context) => {
      const { id } = await context.db.create(context.collection, { v: 1 });
      await finds(context, and(), [id]);
      await finds(context, or(), []);
      await finds(context, not(and()), []);
      await finds(context, isIn("v", []), []);
      await finds(context, not(isIn("v", [])), [id]);
    },

    "a path ends at what is no object": async (context) => {
      const { db, collection } = context;
      const list = await db.create(collection, { v: [{ a: 1 }] });
      const text = await db.create(collection, { v: "a" });
      const found = await db.create(collection, { v: { a: 1, length: 7 } });
      await finds(context, eq(["v", "a"], 1), [found.id]);
      await finds(context, eq(["v", "length"], 1), []);
      await finds(context, eq(["v", "length"], 7), [found.id]);
      await finds(context, eq(["v", "0"], null), [list.id, text.id, found.id]);
      await finds(context, eq(["v", "0", "a"], 1), []);
    },

    "objects are equal without regard to the order of their fields, arrays with": async (context) => {
      const { db, collection } = context;
      const object = await db.create(collection, { v: { a: 1, b: { c: 2, d: 3 } } });
      const array = await db.create(collection, { v: [1, 2] });
      await finds(context, eq("v", { b: { d: 3, c: 2 }, a: 1 }), [object.id]);
      await finds(context, eq("v", { a: 1 }), []);
      await finds(context, eq("v", [1, 2]), [array.id]);
      await finds(context, eq("v", [2, 1]), []);
    },

    "dates of one moment are equal, a number or text is never a date": async (context) => {
      const { db, collection } = context;
      const at = new Date("2024-02-29T12:00:00.123Z");
      const date = await db.create(collection, { v: at });
      await db.create(collection, { v: at.getTime() });
      await db.create(collection, { v: at.toISOString() });
      await finds(context, eq("v", new Date(at)), [date.id]);
      await finds(context, and(gt("v", new Date(at.getTime() - 1)), lt("v", new Date(at.getTime() + 1))), [date.id]);
    },

    "a filter as deep as core takes is answered": async (context) => {
      const { db, collection } = context;
      const one = await db.create(collection, { v: 1 });
      const two = await db.create(collection, { v: 2 });
      let filter = eq("v", 1);
      for (let depth = 1; depth < 12; depth += 1) {
        filter = depth % 3 === 0 ? not(filter) : depth % 3 === 1 ? and(filter, ne("v", 9)) : or(filter, eq("v", 9));
      }
      const expected = [one, two].filter(({ id }) => matchesFilter({ id, v: id === one.id ? 1 : 2 }, filter));
      await finds(
        context,
        filter,
        expected.map(({ id }) => id),
      );
      await rejects(db.find(collection, { where: not(not(filter)) }), "INVALID_QUERY");
    },

    "a filter of as many conditions as core takes is answered": async (context) => {
      const { db, collection } = context;
      const { id } = await db.create(collection, { v: 998 });
      const conditions = Array.from({ length: 999 }, (_, n) => eq("v", n));
      await finds(context, or(...conditions), [id]);
      await finds(context, and(...conditions.map(not).slice(0, 499)), [id]);
      await finds(
        context,
        isIn(
          "v",
          Array.from({ length: 5_000 }, (_, n) => n),
        ),
        [id],
      );
      await rejects(db.find(collection, { where: or(...conditions, eq("v", 1_000)) }), "INVALID_QUERY");
    },

    "a path as long as core takes is answered": async (context) => {
      const path = Array.from({ length: 32 }, (_, n) => `f${n}`);
      const value = path.slice(1).reduceRight<Value>((inner, name) => ({ [name]: inner }), "bottom");
      const { id } = await context.db.create(context.collection, { f0: value });
      await finds(context, eq(path, "bottom"), [id]);
      await rejects(context.db.find(context.collection, { where: eq([...path, "more"], 1) }), "INVALID_QUERY");
    },

    "a filter that is none is INVALID_QUERY": async ({ db, collection }) => {
      const wrong: readonly unknown[] = [
        null,
        "v = 1",
        [],
        {},
        { op: "like", path: ["v"], value: 1 },
        { op: "eq", path: "v", value: 1 },
        { op: "eq", path: [], value: 1 },
        { op: "eq", path: [1], value: 1 },
        { op: "eq", path: [""], value: 1 },
        { op: "eq", path: ["v"] },
        { op: "eq", path: ["v"], value: () => 1 },
        { op: "in", path: ["v"], values: 1 },
        { op: "in", path: ["v"], values: [Number.NaN] },
        { op: "lt", path: ["v"], value: null },
        { op: "lt", path: ["v"], value: [1] },
        { op: "and", filters: {} },
        { op: "not" },
        { op: "not", filter: { op: "nor" } },
      ];
      for (const filter of wrong) {
        const what = `the filter ${show(filter)}`;
        await rejects(db.find(collection, { where: filter as Filter }), "INVALID_QUERY", { what });
        await rejects(db.count(collection, filter as Filter), "INVALID_QUERY", { what });
      }
    },
  },
};

async function finds({ db, collection }: CaseContext, where: Filter, expected: readonly unknown[]): Promise<void> {
  const { items } = await db.find(collection, { where });
  assert.deepEqual([...idsOf(items)].sort(), [...expected].sort(), `what ${show(where)} finds`);
  assert.equal(await db.count(collection, where), expected.length, `what ${show(where)} counts`);
}
