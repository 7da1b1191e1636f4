import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eq, type Row } from "@db/core";
import { isStored, retryingConflicts, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

export const isolation: Theme = {
  name: "isolation of transactions",
  needs: "transactions",
  cases: {
    "what is not committed is not seen outside": async ({ db, collection }) => {
      const old = await db.create(collection, { n: 1 });
      const id = `${collection}:fresh`;
      const own = new Error("roll back");
      const failing = db.transaction(async (tx) => {
        await tx.create(collection, { n: 2 }, { id });
        await tx.update(old.id, { n: 9 });
        assert.equal(await db.read(id), undefined);
        assert.equal((await db.read(old.id))?.n, 1);
        assert.equal(await db.count(collection), 1);
        throw own;
      });
      assert.equal(await failing.catch((error: unknown) => error), own);
      await isStored(db, id, undefined);
    },

    "two transactions on one record at once lose no increment": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const addOne = (): Promise<void> =>
        retryingConflicts(() =>
          db.transaction(async (tx) => {
            const n = Number((await tx.read(id))?.n);
            await tx.update(id, { n: n + 1 });
          }),
        );
      await Promise.all(Array.from({ length: 20 }, addOne));
      await isStored(db, id, { n: 20 });
    },

    "of two transactions that read before either writes one wins or they go in turn": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const attempts: number[] = [];
      const addOne = async (): Promise<void> => {
        let attempt = 0;
        await db.transaction(
          async (tx) => {
            attempt += 1;
            attempts.push(attempt);
            const n = Number((await tx.read(id))?.n);
            // Long enough for both to have read, also where the second has to wait for the first.
            await sleep(20);
            await tx.update(id, { n: n + 1 });
          },
          { maxAttempts: 50 },
        );
      };
      await Promise.all([addOne(), addOne()]);
      await isStored(db, id, { n: 2 });
    },

    "the loser of a conflict is told CONFLICT without effect and may try again": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 0 });
      const ends = await Promise.all(
        Array.from({ length: 10 }, (_, by) =>
          settled(
            db.transaction(async (tx) => {
              const n = Number((await tx.read(id))?.n);
              await sleep(5);
              await tx.update(id, { n: n + 1, [`by${by}`]: true });
            }),
          ),
        ),
      );
      const won = ends.filter((end) => end.status === "done").length;
      for (const end of ends) {
        if (end.status === "done") continue;
        assert.deepEqual([end.error.code, end.error.effect, end.error.retryable], ["CONFLICT", "none", true]);
      }
      const row = (await db.read(id)) ?? ({} as Row);
      assert.ok(won >= 1, "expected one transaction to win");
      assert.equal(row.n, won, `expected the ${won} acknowledged increments, found ${show(row)}`);
      assert.equal(Object.keys(row).filter((name) => name.startsWith("by")).length, won);
    },

    "transactions on different records do not disturb each other": async ({ db, collection }) => {
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          retryingConflicts(() =>
            db.transaction(async (tx) => {
              const { id } = await tx.create(collection, { n, step: 1 });
              await tx.update(id, { step: 2 });
            }),
          ),
        ),
      );
      assert.equal(await db.count(collection, eq("step", 2)), 20);
    },

    "a transaction moves an amount or does not, whoever looks": async ({ db, collection }) => {
      const [a, b] = [`${collection}:a`, `${collection}:b`];
      await db.create(collection, { amount: 100 }, { id: a });
      await db.create(collection, { amount: 0 }, { id: b });
      let moving = true;
      const wrong: string[] = [];
      const watch = async (): Promise<void> => {
        while (moving) {
          const { items } = await db.find(collection);
          const sum = items.reduce((total, row) => total + Number(row.amount), 0);
          if (sum !== 100) wrong.push(show(items));
        }
      };
      const watching = watch();
      for (let n = 0; n < 20; n += 1) {
        await db.transaction(async (tx) => {
          await tx.update(a, { amount: -5 }, { mode: "increment" });
          await tx.update(b, { amount: 5 }, { mode: "increment" });
        });
      }
      moving = false;
      await watching;
      assert.deepEqual(wrong, []);
      await isStored(db, a, { amount: 0 });
      await isStored(db, b, { amount: 100 });
    },
  },
};
