import assert from "node:assert/strict";
import { DatabaseErrorOf, eq, runCall } from "@db/core";
import { idsOf, isStored, rejects, show } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { abortedAtEveryPoint, settled } from "./settling.ts";

export const transactionBounds: Theme = {
  name: "timeouts and aborts of transactions",
  needs: "transactions",
  cases: {
    "a deadline that passes during work rolls back": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const { promise: never } = Promise.withResolvers<void>();
      const failing = db.transaction(
        async (tx) => {
          await tx.update(id, { n: 2 });
          await tx.create(collection, {});
          await never;
        },
        { timeoutMs: 200 },
      );
      await rejects(failing, "QUERY_TIMEOUT", { facts: { timeoutMs: 200 } });
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
      await db.update(id, { n: 3 }, { timeoutMs: 5_000 });
      await isStored(db, id, { n: 3 });
    },

    "an abort during work rolls back, with its reason as cause": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const controller = new AbortController();
      const reason = new Error("enough");
      const { promise: never } = Promise.withResolvers<void>();
      const failing = db.transaction(
        async (tx) => {
          await tx.update(id, { n: 2 });
          controller.abort(reason);
          await never;
        },
        { signal: controller.signal },
      );
      assert.equal((await rejects(failing, "CANCELLED")).cause, reason);
      await isStored(db, id, { n: 1 });
    },

    "a transaction aborted at any point is whole or nothing, as it says": async ({ db, collection }) => {
      const ids = (point: number): readonly [string, string] => [`${collection}:${point}a`, `${collection}:${point}b`];
      const ends = await abortedAtEveryPoint((signal, point) =>
        db.transaction(
          async (tx) => {
            for (const id of ids(point)) await tx.create(collection, { point }, { id });
          },
          { signal },
        ),
      );
      for (const [point, end] of ends.entries()) {
        const found = idsOf((await db.find(collection, { where: eq("point", point) })).items);
        const whole = found.length === 2;
        assert.ok(whole || found.length === 0, `point ${point}: half a transaction, ${show(found)}`);
        if (end.status === "done") assert.ok(whole, `point ${point}: acknowledged and not there`);
        else if (end.error.effect === "none") assert.ok(!whole, `point ${point}: told no effect and is there`);
      }
    },

    "a statement may have a shorter deadline than its transaction": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      const end = await settled(
        db.transaction(async (tx) => {
          await tx.update(id, { n: 2 });
          return settled(tx.find(collection, {}, { timeoutMs: 1 }));
        }),
      );
      if (end.status === "done" && end.value.status === "failed") assert.equal(end.value.error.code, "QUERY_TIMEOUT");
      await isStored(db, id, { n: end.status === "done" ? 2 : 1 });
    },

    "a driver that is handed a signal which has fired begins nothing": async ({ db, driver, collection }) => {
      const fired = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "fired before", {}));
      const begin = runCall({ timeoutMs: 5_000 }, (context) => driver.begin({}, context.with({ signal: fired })));
      await rejects(begin, "CANCELLED");
      await db.create(collection, {});
      assert.equal(await db.count(collection), 1);
    },

    "a commit whose signal has fired already stores nothing": async ({ db, driver, collection }) => {
      const id = `${collection}:one`;
      await runCall({ timeoutMs: 5_000 }, async (context) => {
        const handle = await driver.begin({}, context.with({ inTransaction: true }));
        const data = { n: 1 };
        await handle.statements.create({ kind: "create", collection, id, data, returning: false }, context);
        const fired = AbortSignal.abort(new DatabaseErrorOf("CANCELLED", "fired before", {}));
        await rejects(handle.commit(context.with({ signal: fired })), "CANCELLED");
        await handle.rollback(context);
      });
      await isStored(db, id, undefined);
    },
  },
};
