import assert from "node:assert/strict";
import { lt, mapConcurrent, stream } from "@db/core";
import { idsOf, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { cursorOf, fill } from "./page-checks.ts";

export const movingPages: Theme = {
  name: "paging while records come and go",
  cases: {
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
  },
};
