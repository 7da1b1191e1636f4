import assert from "node:assert/strict";
import {
  copyValue,
  type DatabaseService,
  eq,
  equalValues,
  planQuery,
  type Query,
  type Row,
  selectPage,
} from "@db/core";
import { idsOf, rejects, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { createRows, diverseRows } from "./diverse-rows.ts";

type Order = NonNullable<Query["order"]>;

export const order: Theme = {
  name: "order",
  cases: {
    "without an order rows come by id": (context) => agrees(context, []),
    "by id, downwards": (context) => agrees(context, [["id", "desc"]]),
    "values of all types stand in core's order": (context) => agrees(context, [["v", "asc"]]),
    "values of all types stand in core's order, downwards": (context) => agrees(context, [["v", "desc"]]),
    "a nested field orders like a top one": (context) => agrees(context, [[["nested", "v"], "asc"]]),
    "a field that few rows have orders all of them": async (context) => {
      await agrees(context, [["rare", "asc"]]);
      await agreesOn(context, diverseRows(context.collection), [["rare", "desc"]]);
    },
    "a field that no row has leaves the order by id": (context) => agrees(context, [["nowhere", "desc"]]),
    "ties are broken by id, upwards": async (context) => {
      await agrees(context, [["tie", "asc"]]);
      await agreesOn(context, diverseRows(context.collection), [["tie", "desc"]]);
    },
    "ties are broken by id, downwards where that is asked for": async (context) => {
      await agrees(context, [
        ["tie", "asc"],
        ["id", "desc"],
      ]);
    },
    "two keys order one after the other, each in its direction": async (context) => {
      await agrees(context, [
        ["tie", "asc"],
        ["v", "desc"],
      ]);
      await agreesOn(context, diverseRows(context.collection), [
        ["tie", "desc"],
        ["rare", "asc"],
        [["nested", "v"], "desc"],
      ]);
    },

    "as many keys as core takes order one after the other": async (context) => {
      await agrees(context, [
        ["nowhere", "asc"],
        ["tie", "desc"],
        [["nested", "none"], "asc"],
        ["rare", "desc"],
        ["tie", "asc"],
        [["nested", "v"], "asc"],
        ["n", "desc"],
        ["v", "asc"],
      ]);
    },

    "text is ordered by code point": async (context) => {
      const texts = ["", " ", "10", "9", "A", "Z", "a", "aa", "b", "e\u0301", "ß", "é", "\ufffd", "\uffff", "😀", "😁"];
      await inOrder(context.db, context.collection, texts);
    },
    "numbers are ordered by value across fractions and 64 bits": async (context) => {
      const numbers = [
        -(2n ** 63n),
        -1e10,
        -1.5,
        -1,
        0,
        5e-324,
        0.1,
        1,
        1.5,
        2,
        10,
        9_007_199_254_740_993n,
        2n ** 63n - 1n,
        1e300,
      ];
      await inOrder(context.db, context.collection, numbers);
    },
    "dates are ordered by time": async (context) => {
      const dates = ["0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29T12:00:00.123Z", "2024-02-29T12:00:00.124Z"];
      await inOrder(
        context.db,
        context.collection,
        dates.map((text) => new Date(text)),
      );
    },

    "an order that is none is INVALID_QUERY": async ({ db, collection }) => {
      const wrong: readonly unknown[] = [
        "v",
        ["v"],
        [["v"]],
        [["v", "up"]],
        [[["v", 1], "asc"]],
        [[[], "asc"]],
        [["", "asc"]],
        { v: "asc" },
        Array.from({ length: 9 }, (_, n) => [`f${n}`, "asc"]),
      ];
      for (const one of wrong) {
        await rejects(db.find(collection, { order: one as Order }), "INVALID_QUERY", {
          what: `the order ${show(one)}`,
        });
      }
    },
  },
};

async function agrees(context: CaseContext, by: Order): Promise<void> {
  const rows = diverseRows(context.collection);
  await createRows(context.db, context.collection, rows);
  await agreesOn(context, rows, by);
}

/** All at once and page by page, compared with core's own selection over the same rows. */
async function agreesOn({ db, collection }: CaseContext, rows: readonly Row[], by: Order): Promise<void> {
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const named = (ids: readonly string[]): readonly unknown[] =>
    ids.map((id) => `${show(rowOf.get(id)?.v)} ${show(rowOf.get(id)?.tie)} ${id}`);
  const expected = idsOf(selectPage(rows, collection, planQuery(collection, { order: by, limit: 1_000 })).items);
  const all = await db.find(collection, { order: by, limit: 1_000 });
  assert.deepEqual(named(idsOf(all.items)), named(expected), `the order ${show(by)}`);
  for (const row of all.items) {
    assert.ok(equalValues(row, copyValue(rowOf.get(row.id))), `the order ${show(by)} gives ${row.id} as it was stored`);
  }
  const paged = await allPages(db, collection, { order: by, limit: 7 });
  assert.deepEqual(named(paged), named(expected), `the order ${show(by)}, seven at a time`);
}

async function allPages(db: DatabaseService, collection: string, query: Query): Promise<readonly string[]> {
  const ids: string[] = [];
  let page = await db.find(collection, query);
  ids.push(...idsOf(page.items));
  while (page.next !== null && ids.length < 1_000) {
    page = await db.find(collection, { ...query, after: page.next });
    ids.push(...idsOf(page.items));
  }
  return ids;
}

/** Created in another order than given, read in the one given and in its reverse. */
async function inOrder(db: DatabaseService, collection: string, values: readonly Row[string][]): Promise<void> {
  const shuffled = [...values.keys()].sort((a, b) => ((a * 7) % 5) - ((b * 7) % 5));
  for (const n of shuffled) await db.create(collection, { n, v: values[n] });
  const expected = [...values.keys()];
  const up = await db.find(collection, { order: [["v", "asc"]] });
  assert.deepEqual(
    up.items.map((row) => row.n),
    expected,
  );
  const down = await db.find(collection, { order: [["v", "desc"]] });
  assert.deepEqual(
    down.items.map((row) => row.n),
    expected.toReversed(),
  );
  const first = await db.find(collection, { where: eq("n", 0), order: [["v", "asc"]] });
  assert.equal(first.items.length, 1);
}
