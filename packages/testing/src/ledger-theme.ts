import assert from "node:assert/strict";
import { type DatabaseService, type Layer, newRecordId } from "@db/core";
import { isStored, rejects, retryingConflicts, sameValue, show } from "./assertions.ts";
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

    "a write sent again answers as it did at first: its id, its row": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const base = fresh(context);
      const sent = [
        () => db.create(collection, { n: 1 }, { operationId: `${base}-create`, returning: true }),
        () => db.update(`${collection}:one`, { n: 2 }, { operationId: `${base}-update`, returning: true }),
        () => db.delete(`${collection}:two`, { operationId: `${base}-delete`, returning: true }),
      ];
      for (const key of ["one", "two"]) await db.create(collection, { n: 0 }, { id: `${collection}:${key}` });
      for (const send of sent) {
        const first = await send();
        await db.update(`${collection}:one`, { n: 3 });
        // A create without an id asks for another record each time; it must not get one.
        sameValue(await send(), first, "the answer to the second");
      }
      assert.equal(await db.count(collection), 2);
      await isStored(db, `${collection}:one`, { n: 3 });
    },

    "creates without an id sent at once under one operation id are one record": async (context) => {
      const db = ledgered(context);
      const { collection } = context;
      const operationId = fresh(context);
      const send = () => retryingConflicts(() => db.create(collection, { n: 1 }, { operationId }));
      const ends = await Promise.all(Array.from({ length: 10 }, send));
      assert.equal(new Set(ends.map(({ id }) => id)).size, 1, show(ends));
      assert.equal(await db.count(collection), 1);
    },

    "an operation id that comes with another fingerprint is refused and changes nothing": async ({
      db,
      collection,
    }) => {
      const { id } = await db.create(collection, { n: 0 });
      const operationId = `conformance-${collection}`;
      const send = (fingerprint: string) => db.update(id, { n: 1 }, { mode: "increment", operationId, fingerprint });
      await send("body-1");
      await send("body-1");
      const error = await rejects(send("body-2"), "VALIDATION_FAILED");
      assert.equal(error.code === "VALIDATION_FAILED" && error.facts.issues[0]?.rule, "operation_reused");
      await isStored(db, id, { n: 1 });
      assert.equal(await db.wasApplied(operationId), true);
    },

    "the first writes under a new ledger do not refuse each other": async (context) => {
      const { options, collection } = context;
      const db = ledgered(context);
      const base = fresh(context);
      const services = options.capabilities.scopes
        ? [db.withScope({ ...(options.scopes?.[0] ?? { namespace: "conformance" }), database: collection }), db]
        : [db];
      for (const service of services) {
        const writes = Array.from({ length: 40 }, (_, n) =>
          service.create(collection, { n }, { operationId: `${base}-${n}` }),
        );
        assert.equal((await Promise.all(writes)).length, 40);
        assert.equal(await service.count(collection), 40);
      }
    },

    "in a transaction the ledger row stands or falls with it": async (context) => {
      if (!context.options.capabilities.transactions) return;
      const db = ledgered(context);
      const { collection } = context;
      const base = fresh(context);
      const { id } = await db.create(collection, { n: 0 });
      const own = new Error("roll back");
      const add = (service: Pick<DatabaseService, "update">, operationId: string) =>
        service.update(id, { n: 1 }, { mode: "increment", operationId });
      const failing = db.transaction(async (tx) => {
        await add(tx, `${base}-1`);
        throw own;
      });
      await assert.rejects(failing, (error) => error === own);
      assert.equal(await db.wasApplied(`${base}-1`), false);
      await db.transaction(async (tx) => {
        await add(tx, `${base}-1`);
        await add(tx, `${base}-1`);
        await add(tx, `${base}-2`);
      });
      await add(db, `${base}-1`);
      await db.transaction((tx) => add(tx, `${base}-2`));
      assert.deepEqual([await db.wasApplied(`${base}-1`), await db.wasApplied(`${base}-2`)], [true, true]);
      await isStored(db, id, { n: 2 });
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
