import assert from "node:assert/strict";
import {
  and,
  type Comparison,
  contains,
  eq,
  type Filter,
  gt,
  gte,
  isIn,
  lt,
  lte,
  mapConcurrent,
  matchesFilter,
  ne,
  not,
  type Row,
  type Value,
} from "@db/core";
import { idsOf, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { createRows, diversePaths, diverseRows } from "./diverse-rows.ts";
import { comparableValues, diverseValues } from "./diverse-values.ts";
import { randomFilter, seededRandom } from "./random-filter.ts";

export const filters: Theme = {
  name: "filters, compared with those of core",
  cases: {
    "eq matches what core's own filter matches": (context) => agreesOnAll(context, "eq", diverseValues),

    "ne matches what core's own filter matches": (context) => agreesOnAll(context, "ne", diverseValues),

    "lt matches what core's own filter matches": (context) => agreesOnAll(context, "lt", comparableValues),

    "lte matches what core's own filter matches": (context) => agreesOnAll(context, "lte", comparableValues),

    "gt matches what core's own filter matches": (context) => agreesOnAll(context, "gt", comparableValues),

    "gte matches what core's own filter matches": (context) => agreesOnAll(context, "gte", comparableValues),

    "contains matches what core's own filter matches": (context) => agreesOnAll(context, "contains", diverseValues),

    "in matches what core's own filter matches": async (context) => {
      const path = ["v"];
      const lists = [
        [],
        ...diverseValues.map((value, n) => [value, diverseValues[(n * 5) % diverseValues.length] ?? null]),
      ];
      await agrees(
        context,
        lists.map((list) => isIn(path, list)),
      );
    },

    "not turns every filter round": async (context) => {
      const inner = diverseValues.flatMap((value) => [eq("v", value), contains("rare", value)]);
      await agrees(context, [...inner, ...comparableValues.map((value) => lt("rare", value))].map(not));
    },

    "combined filters match what core's own filter matches": async (context) => {
      const random = seededRandom(1);
      await agrees(
        context,
        Array.from({ length: 150 }, () => randomFilter(random, 3)),
      );
    },

    "count counts what core's own filter matches": async (context) => {
      const random = seededRandom(2);
      const all = Array.from({ length: 60 }, () => randomFilter(random, 2));
      const rows = await fill(context);
      const wrong: string[] = [];
      await mapConcurrent(all, async (filter) => {
        const [got, wanted] = [await context.db.count(context.collection, filter), matching(rows, filter).length];
        if (got !== wanted) wrong.push(`${show(filter)}: expected ${wanted}, got ${got}`);
      });
      assert.deepEqual(wrong, []);
    },

    "filters by id match what core's own filter matches": async (context) => {
      const { collection } = context;
      const id = (key: string): string => `${collection}:${key}`;
      await agrees(context, [
        eq("id", id("037")),
        eq("id", id("37")),
        eq("id", "037"),
        ne("id", id("000")),
        isIn("id", [id("000"), id("074"), id("999"), 1, null]),
        gt("id", id("050")),
        lte("id", id("050")),
        lt("id", id("")),
        gte("id", 5),
        eq("id", null),
        contains("id", ":03"),
        contains("id", "zzz"),
        and(gte("id", id("010")), lt("id", id("020")), not(eq("id", id("011")))),
      ]);
    },
  },
};

async function agreesOnAll(context: CaseContext, op: Comparison, operands: readonly Value[]): Promise<void> {
  const all = diversePaths.flatMap((path) => operands.map((value): Filter => ({ op, path: [path].flat(), value })));
  await agrees(context, all);
}

/** Compares with core's `matchesFilter` on the same rows and names every filter that differs. */
async function agrees(context: CaseContext, all: readonly Filter[]): Promise<void> {
  const rows = await fill(context);
  const wrong: string[] = [];
  await mapConcurrent(all, async (where) => {
    const { items } = await context.db.find(context.collection, { where, limit: 1_000 });
    const [got, wanted] = [new Set(idsOf(items)), new Set(idsOf(matching(rows, where)))];
    const extra = rows.filter((row) => got.has(row.id) && !wanted.has(row.id)).map((row) => row.v);
    const lost = rows.filter((row) => wanted.has(row.id) && !got.has(row.id)).map((row) => row.v);
    if (extra.length > 0 || lost.length > 0 || items.length !== wanted.size) {
      wrong.push(`${show(where)} found too much: ${show(extra)}, too little: ${show(lost)}`);
    }
  });
  assert.deepEqual(wrong, [], `${wrong.length} of ${all.length} filters differ from core's`);
}

async function fill({ db, collection }: CaseContext): Promise<readonly Row[]> {
  const rows = diverseRows(collection);
  await createRows(db, collection, rows);
  return rows;
}

function matching(rows: readonly Row[], filter: Filter): readonly Row[] {
  return rows.filter((row) => matchesFilter(row, filter));
}
