import assert from "node:assert/strict";
import { eq, gte, lt, mapConcurrent, type Page, stream } from "@db/core";
import { idsOf, rejects, show } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";

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

    "the deletion of the row at a cursor does not disturb the next page": async (context) => {
      const all = await fill(context, 9);
      const { db, collection } = context;
      const first = await db.find(collection, { limit: 3 });
      for (const id of all.slice(1, 3)) await db.delete(id);
      const second = await db.find(collection, { limit: 3, after: cursorOf(first) });
      assert.deepEqual(idsOf(second.items), all.slice(3, 6));
    },

    "rows inserted before the cursor do not push others on a second time": async (context) => {
      const all = await fill(context, 9);
      const { db, collection } = context;
      const first = await db.find(collection, { limit: 3 });
      for (const key of ["0000a", "0001a", "0001b"])
        await db.create(collection, { n: -1 }, { id: `${collection}:${key}` });
      const second = await db.find(collection, { limit: 3, after: cursorOf(first) });
      assert.deepEqual(idsOf(second.items), all.slice(3, 6));
    },

    "a record that was there throughout comes exactly once, whatever comes and goes": async (context) => {
      const { db, collection } = context;
      const all = await fill(context, 120);
      const steady = all.filter((_, n) => n % 3 !== 0);
      const doomed = all.filter((_, n) => n % 3 === 0);
      const seen: string[] = [];
      let made = 0;
      for (const order of [[], [["n", "desc"]], [["group", "asc"]]] as const) {
        seen.length = 0;
        let after: string | undefined;
        do {
          const [page] = await Promise.all([
            db.find(collection, { order, limit: 11, ...(after === undefined ? {} : { after }) }),
            mapConcurrent(doomed.splice(0, 2), (id) => db.delete(id)),
            ...[1, 2].map(() => {
              made += 1;
              const id = `${collection}:${String((made * 53) % 120).padStart(4, "0")}+${made}`;
              return db.create(collection, { n: (made * 53) % 120, group: made % 3 }, { id });
            }),
          ]);
          seen.push(...idsOf(page.items));
          after = page.next ?? undefined;
        } while (after !== undefined);
        assert.equal(new Set(seen).size, seen.length, `rows that came twice under ${show(order)}`);
        const times = steady.filter((id) => !seen.includes(id));
        assert.deepEqual(times, [], `rows that did not come under ${show(order)}`);
      }
    },

    "a stream gives every row once, in order, and stops when its consumer stops": async (context) => {
      const all = await fill(context, 25);
      const { db, collection } = context;
      const rows: string[] = [];
      for await (const row of stream(db, collection, {}, { pageSize: 4 })) rows.push(row.id);
      assert.deepEqual(rows, all);
      const some: string[] = [];
      for await (const row of stream(db, collection, { where: lt("n", 20), order: [["n", "desc"]] }, { pageSize: 3 })) {
        some.push(row.id);
        if (some.length === 5) break;
      }
      assert.deepEqual(some, all.slice(15, 20).toReversed());
    },

    "a cursor of another query is INVALID_QUERY": async (context) => {
      await fill(context, 5);
      const { db, collection } = context;
      const where = gte("n", 0);
      const after = cursorOf(await db.find(collection, { where, order: [["n", "asc"]], limit: 2 }));
      const foreign = [
        { after },
        { where, after },
        { order: [["n", "asc"]], after },
        { where, order: [["n", "desc"]], after },
        { where: gte("n", 1), order: [["n", "asc"]], after },
        { where: eq("n", 0), order: [["n", "asc"]], after },
        { where, order: [["group", "asc"]], after },
      ] as const;
      for (const query of foreign) await rejects(db.find(collection, query), "INVALID_QUERY", { what: show(query) });
      await rejects(db.find(`${collection}_other`, { where, order: [["n", "asc"]], after }), "INVALID_QUERY");
    },

    "a cursor that was made up is INVALID_QUERY": async (context) => {
      await fill(context, 5);
      const { db, collection } = context;
      const real = cursorOf(await db.find(collection, { limit: 2 }));
      const text = Buffer.from(real, "base64url").toString();
      const encode = (forged: string): string => Buffer.from(forged).toString("base64url");
      const forged: readonly unknown[] = [
        "",
        "x",
        "'; DROP",
        real.slice(0, -2),
        real.slice(1),
        `${real}x`,
        encode(text.replace("0001", "0000")),
        encode("null"),
        encode("[]"),
        encode("[1]"),
        encode("{"),
        encode(`[1,"x",[[4,"${collection}:0001"]]]`),
        null,
        1,
        {},
      ];
      for (const after of forged) {
        await rejects(db.find(collection, { after: after as string }), "INVALID_QUERY", { what: show(after) });
      }
    },

    "a limit out of bounds, or an option that is none, is INVALID_QUERY": async ({ db, collection }) => {
      for (const limit of [0, -1, 1.5, 10_001, Number.NaN, Number.POSITIVE_INFINITY, "10"]) {
        await rejects(db.find(collection, { limit: limit as number }), "INVALID_QUERY", {
          what: `limit ${show(limit)}`,
        });
      }
      await rejects(db.find(collection, { offset: 1 } as object), "INVALID_QUERY");
      assert.deepEqual((await db.find(collection, { limit: 10_000 })).items, []);
    },
  },
};

/** Rows whose ids and `n` ascend together; `group` has three values. */
async function fill({ db, collection }: CaseContext, count: number): Promise<readonly string[]> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const id = (n: number): string => `${collection}:${String(n).padStart(4, "0")}`;
  await mapConcurrent(numbers, (n) => db.create(collection, { n, group: n % 3 }, { id: id(n) }), { concurrency: 4 });
  return numbers.map(id);
}

function cursorOf(page: Page): string {
  if (page.next === null) assert.fail(`expected the page to have a next, it ended at ${show(page.items.at(-1)?.id)}`);
  return page.next;
}
