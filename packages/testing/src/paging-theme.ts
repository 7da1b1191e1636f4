import assert from "node:assert/strict";
import { gte } from "@db/core";
import { idsOf } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { cursorOf, fill } from "./page-checks.ts";

export const paging: Theme = {
  name: "paging",
  cases: {
    "a page has at most its limit and says where the next begins": async (context) => {
      const all = await fill(context, 10);
      const { db, collection } = context;
      const first = await db.find(collection, { limit: 4 });
      assert.deepEqual(idsOf(first.items), all.slice(0, 4));
      const second = await db.find(collection, { limit: 4, after: cursorOf(first) });
      assert.deepEqual(idsOf(second.items), all.slice(4, 8));
      const third = await db.find(collection, { limit: 4, after: cursorOf(second) });
      assert.deepEqual(idsOf(third.items), all.slice(8));
      assert.equal(third.next, null);
    },

    "a page that ends exactly at the last row has no next": async (context) => {
      const all = await fill(context, 6);
      const { db, collection } = context;
      const whole = await db.find(collection, { limit: 6 });
      assert.deepEqual([idsOf(whole.items), whole.next], [all, null]);
      const first = await db.find(collection, { limit: 3 });
      const second = await db.find(collection, { limit: 3, after: cursorOf(first) });
      assert.deepEqual([idsOf(second.items), second.next], [all.slice(3), null]);
    },

    "a page holds 100 rows unless told": async (context) => {
      const all = await fill(context, 101);
      const page = await context.db.find(context.collection);
      assert.deepEqual(idsOf(page.items), all.slice(0, 100));
      const rest = await context.db.find(context.collection, { after: cursorOf(page) });
      assert.deepEqual([idsOf(rest.items), rest.next], [all.slice(100), null]);
    },

    "the limit may change from page to page": async (context) => {
      const all = await fill(context, 10);
      const { db, collection } = context;
      const first = await db.find(collection, { limit: 1 });
      const rest = await db.find(collection, { limit: 100, after: cursorOf(first) });
      assert.deepEqual(idsOf(rest.items), all.slice(1));
    },

    "a page keeps to its filter and order": async (context) => {
      const all = await fill(context, 20);
      const { db, collection } = context;
      const query = { where: gte("n", 5), order: [["n", "desc"]], limit: 6 } as const;
      const first = await db.find(collection, query);
      const second = await db.find(collection, { ...query, after: cursorOf(first) });
      const third = await db.find(collection, { ...query, after: cursorOf(second) });
      const got = [...idsOf(first.items), ...idsOf(second.items), ...idsOf(third.items)];
      assert.deepEqual([got, third.next], [all.slice(5).toReversed(), null]);
    },
  },
};
