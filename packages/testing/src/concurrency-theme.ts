import assert from "node:assert/strict";
import { eq } from "@db/core";
import { isStored, retryingConflicts, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

export const concurrency: Theme = {
  name: "concurrency",
  cases: {
    "a thousand calls at once are all answered, each with its own answer": async ({ db, collection }) => {
      const id = (n: number): string => `${collection}:${n}`;
      await Promise.all(range(50).map((n) => db.create(collection, { n, hits: 0 }, { id: id(n) })));
      const wrong: string[] = [];
      const check = (what: string, right: boolean): void => {
        if (!right) wrong.push(what);
      };
      const calls = range(1_000).map(async (n) => {
        const target = n % 50;
        switch (n % 5) {
          case 0:
            return check(`read ${n}`, (await db.read(id(target)))?.n === target);
          case 1: {
            const made = await retryingConflicts(() => db.create(collection, { made: n }, { id: id(1_000 + n) }));
            return check(`create ${n}`, made.id === id(1_000 + n));
          }
          case 2: {
            const { items } = await db.find(collection, { where: eq("n", target) });
            return check(`find ${n}`, items.length === 1 && items[0]?.id === id(target));
          }
          case 3: {
            const step = (): Promise<unknown> => db.update(id(target), { hits: 1 }, { mode: "increment" });
            return check(`update ${n}`, (await retryingConflicts(step)) !== undefined);
          }
          default:
            return check(`count ${n}`, (await db.count(collection, eq("n", target))) === 1);
        }
      });
      await Promise.all(calls);
      assert.deepEqual(wrong, []);
      const { items } = await db.find(collection, { limit: 1_000 });
      assert.equal(items.filter((row) => "made" in row).length, 200);
      assert.equal(
        items.reduce((sum, row) => sum + Number(row.hits ?? 0), 0),
        200,
      );
    },

    "two hundred increments of one record at once are all counted": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const step = () => retryingConflicts(() => db.update(id, { n: 1 }, { mode: "increment" }));
      await Promise.all(range(200).map(step));
      await isStored(db, id, { n: 200 });
    },

    "merges of different fields at once all stay": async ({ db, collection }) => {
      const { id } = await db.create(collection, {});
      await Promise.all(range(30).map((n) => retryingConflicts(() => db.update(id, { [`f${n}`]: n }))));
      await isStored(db, id, Object.fromEntries(range(30).map((n) => [`f${n}`, n])));
    },

    "of creates of one id at once exactly one wins": async ({ db, collection }) => {
      const id = `${collection}:contended`;
      const ends = await Promise.all(
        range(30).map((n) => settled(retryingConflicts(() => db.create(collection, { n }, { id })))),
      );
      const winners = ends.flatMap((end, n) => (end.status === "done" ? [n] : []));
      const codes = new Set(ends.flatMap((end) => (end.status === "failed" ? [end.error.code] : [])));
      assert.equal(winners.length, 1, `expected one create to win, ${winners.length} did`);
      assert.deepEqual([...codes], ["ALREADY_EXISTS"]);
      await isStored(db, id, { n: winners[0] });
    },

    "of updates that expect the same state at once exactly one wins": async ({ db, collection }) => {
      const { id } = await db.create(collection, { version: 1 });
      const ends = await Promise.all(
        range(20).map((n) =>
          settled(retryingConflicts(() => db.update(id, { version: 2, by: n }, { expect: { version: 1 } }))),
        ),
      );
      const winners = ends.flatMap((end, n) => (end.status === "done" ? [n] : []));
      assert.equal(winners.length, 1, `expected one update to win, ${winners.length} did`);
      for (const end of ends) if (end.status === "failed") assert.equal(end.error.code, "PRECONDITION_FAILED");
      await isStored(db, id, { version: 2, by: winners[0] });
    },

    "of deletes of one record at once exactly one wins": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const ends = await Promise.all(range(20).map(() => settled(retryingConflicts(() => db.delete(id)))));
      assert.equal(ends.filter((end) => end.status === "done").length, 1);
      for (const end of ends) if (end.status === "failed") assert.equal(end.error.code, "NOT_FOUND");
      await isStored(db, id, undefined);
    },

    "a reader never sees half of a write": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 0, b: 0 });
      let writing = true;
      const torn: string[] = [];
      const reader = async (): Promise<void> => {
        while (writing) {
          const { items } = await db.find(collection);
          const row = await db.read(id);
          for (const seen of [row, ...items]) if (seen?.a !== seen?.b) torn.push(show(seen));
        }
      };
      const readers = [reader(), reader()];
      for (const n of range(100)) await retryingConflicts(() => db.update(id, { a: n, b: n }));
      writing = false;
      await Promise.all(readers);
      assert.deepEqual(torn, []);
    },

    "a write that was acknowledged is seen by every call after it": async ({ db, collection }) => {
      await Promise.all(
        range(40).map(async (n) => {
          const { id } = await retryingConflicts(() => db.create(collection, { n }));
          assert.equal((await db.read(id))?.n, n);
          assert.equal(await db.count(collection, eq("n", n)), 1);
          await retryingConflicts(() => db.update(id, { n: n + 1_000 }));
          assert.equal((await db.find(collection, { where: eq("n", n + 1_000) })).items.length, 1);
          await retryingConflicts(() => db.delete(id));
          assert.equal(await db.exists(id), false);
        }),
      );
      assert.equal(await db.count(collection), 0);
    },
  },
};
