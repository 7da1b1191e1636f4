import assert from "node:assert/strict";
import type { Statements } from "@db/core";
import { isStored, rejection, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { settled } from "./settling.ts";

export const transactions: Theme = {
  name: "transactions",
  needs: "transactions",
  cases: {
    "a transaction whose work resolves is stored whole, with the work's result": async ({ db, collection }) => {
      const kept = await db.create(collection, { n: 1 });
      const doomed = await db.create(collection, { n: 2 });
      const made = await db.transaction(async (tx) => {
        await tx.update(kept.id, { n: 10 }, { mode: "increment" });
        await tx.delete(doomed.id);
        return (await tx.create(collection, { n: 3 })).id;
      });
      await isStored(db, kept.id, { n: 11 });
      await isStored(db, doomed.id, undefined);
      await isStored(db, made, { n: 3 });
    },

    "a transaction whose work rejects leaves nothing, and its error comes back by identity": async ({
      db,
      collection,
    }) => {
      const { id } = await db.create(collection, { n: 1 });
      const own = new TypeError("the caller's own");
      const failing = db.transaction(async (tx) => {
        await tx.update(id, { n: 2 });
        await tx.create(collection, { n: 3 });
        throw own;
      });
      assert.equal(await failing.catch((error: unknown) => error), own);
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },

    "work that throws what is no error gets it back": async ({ db }) => {
      const thrown = await db.transaction(() => Promise.reject("text")).catch((error: unknown) => error);
      assert.equal(thrown, "text");
    },

    "a refused statement that work lets pass rolls all back": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const cases: readonly [string, (tx: Statements) => Promise<unknown>][] = [
        ["ALREADY_EXISTS", (tx) => tx.create(collection, {}, { id })],
        ["NOT_FOUND", (tx) => tx.delete(`${collection}:missing`)],
        ["PRECONDITION_FAILED", (tx) => tx.update(id, { n: 2 }, { expect: { n: 7 } })],
        ["FIELD_VIOLATION", (tx) => tx.update(id, { text: 1 }, { mode: "increment" })],
      ];
      for (const [code, refused] of cases) {
        const failing = db.transaction(async (tx) => {
          await tx.create(collection, { beside: code });
          await tx.update(id, { text: "a" });
          await refused(tx);
        });
        const error = await rejection(failing, code);
        assert.deepEqual([error.code, error.effect], [code, "none"]);
        await isStored(db, id, { n: 1 });
      }
      assert.equal(await db.count(collection), 1);
    },

    "after a refused statement that work catches it is all or nothing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 2 });
          await rejects(tx.create(collection, {}, { id }), "ALREADY_EXISTS");
          await settled(tx.create(collection, { after: true }));
        }),
      );
      assert.equal(await db.count(collection), end.status === "done" ? 2 : 1);
      await isStored(db, id, { n: end.status === "done" ? 2 : 1 });
    },

    "a statement that work does not await is in the transaction or rolls it back": async ({ db, collection }) => {
      const floating: Promise<unknown>[] = [];
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.create(collection, { n: 1 });
          floating.push(settled(tx.create(collection, { n: 2 })));
        }),
      );
      await Promise.all(floating);
      if (end.status === "failed") assert.equal(end.error.code, "TRANSACTION_ROLLED_BACK");
      assert.equal(await db.count(collection), end.status === "done" ? 2 : 0);
    },

    "wrong options of a transaction are VALIDATION_FAILED and run nothing": async ({ db }) => {
      for (const options of [{ maxAttempts: 0 }, { maxAttempts: 101 }, { maxAttempts: 1.5 }, { retries: 1 }]) {
        const call = db.transaction(async () => assert.fail("it must not run"), options as object);
        await rejects(call, "VALIDATION_FAILED");
      }
    },
  },
};
