import assert from "node:assert/strict";
import type { Statements } from "@db/core";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

export const transactionStatements: Theme = {
  name: "statements of a transaction",
  needs: "transactions",
  cases: {
    "a transaction sees its own writes in every kind of read": async ({ db, collection }) => {
      const old = await db.create(collection, { n: 1, old: true });
      await db.transaction(async (tx) => {
        const { id } = await tx.create(collection, { n: 2 });
        await tx.update(old.id, { n: 5 });
        assert.equal((await tx.read(id))?.n, 2);
        assert.equal(await tx.exists(id), true);
        assert.equal(await tx.count(collection), 2);
        const { items } = await tx.find(collection, { order: [["n", "desc"]] });
        assert.deepEqual(
          items.map((row) => row.n),
          [5, 2],
        );
        await tx.delete(id);
        assert.equal(await tx.read(id), undefined);
        assert.equal(await tx.count(collection), 1);
      });
      await isStored(db, old.id, { n: 5, old: true });
    },

    "statements answer and refuse as they do outside": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1, text: "a" });
      await db.transaction(async (tx) => {
        const missing = `${collection}:missing`;
        const written = await tx.update(id, { n: 2 }, { operationId: "own-op", returning: true });
        assert.deepEqual([written.operationId, written.status, written.row?.n], ["own-op", "committed", 2]);
        await rejects(tx.read("nonsense"), "INVALID_RECORD_ID");
        await rejects(tx.create(collection, { n: Number.NaN }), "VALIDATION_FAILED");
        await rejects(tx.find(collection, { limit: 0 }), "INVALID_QUERY");
        await rejects(tx.update(missing, { n: 1 }), "NOT_FOUND", { facts: { id: missing } });
      });
      await isStored(db, id, { n: 2, text: "a" });
    },

    "a statement after the end is TRANSACTION_ROLLED_BACK": async ({ db, collection }) => {
      let kept: Statements | undefined;
      await db.transaction(async (tx) => {
        kept = tx;
      });
      if (kept === undefined) assert.fail("work did not run");
      await rejects(kept.create(collection, {}), "TRANSACTION_ROLLED_BACK");
      await rejects(kept.find(collection), "TRANSACTION_ROLLED_BACK");
      const own = new Error("roll back");
      await db
        .transaction(async (tx) => {
          kept = tx;
          throw own;
        })
        .catch((error: unknown) => assert.equal(error, own));
      await rejects(kept.create(collection, {}), "TRANSACTION_ROLLED_BACK");
      assert.equal(await db.count(collection), 0);
    },

    "statements at once in one transaction are all carried out": async ({ db, collection }) => {
      await db.transaction(async (tx) => {
        await Promise.all(Array.from({ length: 20 }, (_, n) => tx.create(collection, { n })));
        assert.equal(await tx.count(collection), 20);
      });
      assert.equal(await db.count(collection), 20);
    },

    "a transaction inside a transaction is UNSUPPORTED at once": async ({ db, collection }) => {
      await db.transaction(async (tx) => {
        await tx.create(collection, { n: 1 });
        await rejects(
          db.transaction(async () => assert.fail("it must not run")),
          "UNSUPPORTED",
        );
      });
      assert.equal(await db.count(collection), 1);
    },

    "a write on the service inside work is UNSUPPORTED at once, a read is answered": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      await db.transaction(async () => {
        const start = performance.now();
        await rejects(db.create(collection, {}), "UNSUPPORTED");
        await rejects(db.update(id, { n: 2 }), "UNSUPPORTED");
        await rejects(db.delete(id), "UNSUPPORTED");
        assert.ok(performance.now() - start < 1_000, "expected the refusal at once");
        assert.equal((await db.read(id))?.n, 1);
        assert.equal(await db.count(collection), 1);
      });
      await isStored(db, id, { n: 1 });
    },
  },
};
