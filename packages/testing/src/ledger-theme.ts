import assert from "node:assert/strict";
import { type DatabaseService, type Layer, newRecordId } from "@db/core";
import { isStored, rejects, retryingConflicts } from "./assertions.ts";
import type { CaseContext, Theme } from "./conformance-case.ts";
import { abortedAtEveryPoint, POINTS } from "./settling.ts";

/** What a queue does before the first attempt of a write that it may replay. */
export const asksForLedger: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));

export const ledger: Theme = {
  name: "ledger",
  needs: "idempotentWrites",
  cases: {
    "the ledger knows the writes that were applied under it and no others": async (context) => {
      const db = ledgered(context);
      const operationId = fresh(context);
      assert.equal(await db.wasApplied(operationId), false);
      await db.create(context.collection, { n: 1 }, { operationId });
      assert.equal(await db.wasApplied(operationId), true);
      assert.equal(await db.wasApplied(`${operationId}-other`), false);
    },

    "a create sent twice under one operation id is one record": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const options = { operationId: fresh(context), id: newRecordId(collection) };
      const first = await db.create(collection, { n: 1 }, options);
      const second = await db.create(collection, { n: 1 }, options);
      assert.deepEqual([second.id, second.operationId, second.status], [first.id, first.operationId, "committed"]);
      await isStored(db, first.id, { n: 1 });
    },

    "an update sent twice under one operation id is applied once": async (context) => {
      const db = ledgered(context);
      const { id } = await db.create(context.collection, { n: 0 });
      const operationId = fresh(context);
      for (let sent = 0; sent < 3; sent += 1) {
        const written = await db.update(id, { n: 1 }, { mode: "increment", operationId });
        assert.deepEqual([written.id, written.status], [id, "committed"]);
      }
      await isStored(db, id, { n: 1 });
      await db.update(id, { n: 1 }, { mode: "increment", operationId: `${operationId}-2` });
      await isStored(db, id, { n: 2 });
    },

    "an update sent again does not undo what came after it": async (context) => {
      const db = ledgered(context);
      const { id } = await db.create(context.collection, { n: 0 });
      const operationId = fresh(context);
      await db.update(id, { n: 1 }, { operationId });
      await db.update(id, { n: 2 });
      await db.update(id, { n: 1 }, { operationId });
      await isStored(db, id, { n: 2 });
    },

    "a delete sent twice under one operation id is no NOT_FOUND": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const { id } = await db.create(collection, {});
      const operationId = fresh(context);
      await db.delete(id, { operationId });
      await db.delete(id, { operationId });
      await db.create(collection, { again: true }, { id });
      await db.delete(id, { operationId });
      await isStored(db, id, { again: true });
    },

    "a write that was refused is not in the ledger": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const { id } = await db.create(collection, { n: 1, text: "a" });
      const operationId = fresh(context);
      await rejects(db.create(collection, {}, { id, operationId }), "ALREADY_EXISTS");
      await rejects(db.update(id, { n: 2 }, { expect: { n: 9 }, operationId }), "PRECONDITION_FAILED");
      await rejects(db.update(id, { text: 1 }, { mode: "increment", operationId }), "FIELD_VIOLATION");
      await rejects(db.delete(`${collection}:missing`, { operationId }), "NOT_FOUND");
      assert.equal(await db.wasApplied(operationId), false);
      await db.update(id, { n: 2 }, { operationId });
      assert.equal(await db.wasApplied(operationId), true);
      await isStored(db, id, { n: 2, text: "a" });
    },

    "one operation sent many times at once is applied once": async (context) => {
      const db = ledgered(context);
      const { id } = await db.create(context.collection, { n: 0 });
      const operationId = fresh(context);
      const send = () => retryingConflicts(() => db.update(id, { n: 1 }, { mode: "increment", operationId }));
      const ends = await Promise.all(Array.from({ length: 20 }, send));
      for (const end of ends) assert.equal(end.status, "committed");
      await isStored(db, id, { n: 1 });
    },

    "the ledger settles what an abort has left open": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const base = fresh(context);
      const id = (point: number): string => `${collection}:${point}`;
      await abortedAtEveryPoint((signal, point) =>
        db.create(collection, { point }, { id: id(point), operationId: `${base}-${point}`, signal }),
      );
      for (let point = 0; point < POINTS; point += 1) {
        const applied = await db.wasApplied(`${base}-${point}`);
        assert.equal(await db.exists(id(point)), applied, `point ${point}`);
        await db.create(collection, { point }, { id: id(point), operationId: `${base}-${point}` });
        await isStored(db, id(point), { point });
      }
    },

    "the ledger of one scope knows nothing of another": async (context) => {
      if (!context.options.capabilities.scopes) return;
      const { collection, options } = context;
      const scope = options.scopes?.[0] ?? { namespace: "conformance", database: "one" };
      const db = ledgered(context);
      const tenant = db.withScope(scope);
      const operationId = fresh(context);
      await tenant.create(collection, { n: 1 }, { operationId });
      assert.deepEqual([await tenant.wasApplied(operationId), await db.wasApplied(operationId)], [true, false]);
    },
  },
};

function ledgered({ facade }: CaseContext): DatabaseService {
  return facade({ layers: [asksForLedger] });
}

/** The ledger is one for all collections, so the collection's name is part of the operation id. */
function fresh({ collection }: CaseContext): string {
  return `conformance-${collection}`;
}
