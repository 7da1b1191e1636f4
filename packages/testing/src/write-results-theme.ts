import assert from "node:assert/strict";
import { isStored, rejects, sameValue } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

export const writeResults: Theme = {
  name: "what a write answers",
  cases: {
    "a create without an id returns the id that is stored, a UUIDv7": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      assert.match(
        id,
        new RegExp(`^${collection}:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`),
      );
      await isStored(db, id, { n: 1 });
      assert.deepEqual(
        (await db.find(collection)).items.map((row) => row.id),
        [id],
      );
    },

    "records created one after the other sort by their ids in that order": async ({ db, collection }) => {
      const made: string[] = [];
      for (let n = 0; n < 10; n += 1) made.push((await db.create(collection, { n })).id);
      assert.deepEqual(
        (await db.find(collection)).items.map((row) => row.id),
        made,
      );
    },

    "data may carry the record's own id and no other": async ({ db, collection }) => {
      const id = `${collection}:one`;
      await db.create(collection, { id, n: 1 }, { id });
      await isStored(db, id, { n: 1 });
      await db.update(id, { id, n: 2 });
      await isStored(db, id, { n: 2 });
      await rejects(db.update(id, { id: `${collection}:two` }), "VALIDATION_FAILED");
      await rejects(db.create(collection, { id: `${collection}:three` }), "VALIDATION_FAILED");
      assert.equal(await db.count(collection), 1);
    },

    "create and delete with returning give the stored row": async ({ db, collection }) => {
      const id = `${collection}:one`;
      const data = { at: new Date(0), nested: { list: [1, "two", null] } };
      const created = await db.create(collection, data, { id, returning: true });
      sameValue(created.row, { id, ...data }, "the row of the create");
      const deleted = await db.delete(id, { returning: true });
      sameValue(deleted.row, { id, ...data }, "the row of the delete");
    },

    "a write without returning gives no row": async ({ db, collection }) => {
      const created = await db.create(collection, { n: 1 });
      assert.equal("row" in created, false);
      assert.equal("row" in (await db.update(created.id, { n: 2 })), false);
      assert.equal("row" in (await db.delete(created.id, { returning: false })), false);
    },

    "a write answers with its operation id, its own where it was given one": async ({ db, collection }) => {
      const first = await db.create(collection, {});
      const second = await db.create(collection, {});
      assert.notEqual(first.operationId, second.operationId);
      const operationId = "op-1.of:this_test";
      const named = await db.update(first.id, { n: 1 }, { operationId });
      assert.deepEqual(named, { id: first.id, operationId, status: "committed" });
      assert.equal((await db.delete(first.id, { operationId: "op-2" })).operationId, "op-2");
    },

    "what is read can be changed without changing the record": async ({ db, collection }) => {
      const data = { list: [1, 2], nested: { n: 1 } };
      const { id } = await db.create(collection, data);
      data.list.push(3);
      data.nested.n = 9;
      const row = (await db.read(id)) as { list?: number[] } | undefined;
      row?.list?.push(4);
      await isStored(db, id, { list: [1, 2], nested: { n: 1 } });
    },
  },
};
