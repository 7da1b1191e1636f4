import assert from "node:assert/strict";
import { isStored, rejects, sameValue } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

export const crud: Theme = {
  name: "create, read, delete",
  cases: {
    "a created record is read back with its whole id": async ({ db, collection }) => {
      const id = `${collection}:one`;
      const written = await db.create(collection, { title: "First", n: 1 }, { id });
      assert.equal(written.id, id);
      assert.equal(written.status, "committed");
      await isStored(db, id, { title: "First", n: 1 });
    },

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

    "a record without fields is a record": async ({ db, collection }) => {
      const { id } = await db.create(collection, {});
      await isStored(db, id, {});
      assert.equal(await db.count(collection), 1);
    },

    "reading what does not exist gives undefined": async ({ db, collection }) => {
      await db.create(collection, {}, { id: `${collection}:here` });
      assert.equal(await db.read(`${collection}:gone`), undefined);
    },

    "a collection that does not exist reads as empty": async ({ db, collection }) => {
      const id = `${collection}:one`;
      assert.equal(await db.read(id), undefined);
      assert.equal(await db.exists(id), false);
      assert.equal(await db.count(collection), 0);
      assert.deepEqual(await db.find(collection), { items: [], next: null });
      await rejects(db.update(id, { n: 1 }), "NOT_FOUND", { facts: { id } });
      await rejects(db.delete(id), "NOT_FOUND", { facts: { id } });
    },

    "create of an existing id is refused and leaves the record as it was": async ({ db, collection }) => {
      const id = `${collection}:one`;
      await db.create(collection, { n: 1 }, { id });
      await rejects(db.create(collection, { n: 2, more: true }, { id }), "ALREADY_EXISTS", { facts: { id } });
      await isStored(db, id, { n: 1 });
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

    "the same key in two collections names two records": async ({ db, collection }) => {
      const other = `${collection}_other`;
      await db.create(collection, { n: 1 }, { id: `${collection}:key` });
      await db.create(other, { n: 2 }, { id: `${other}:key` });
      await db.delete(`${other}:key`);
      await isStored(db, `${collection}:key`, { n: 1 });
      await isStored(db, `${other}:key`, undefined);
    },

    "a deleted record is gone, and only it": async ({ db, collection }) => {
      await db.create(collection, { n: 1 }, { id: `${collection}:one` });
      await db.create(collection, { n: 2 }, { id: `${collection}:two` });
      await db.delete(`${collection}:one`);
      await isStored(db, `${collection}:one`, undefined);
      await isStored(db, `${collection}:two`, { n: 2 });
      assert.equal(await db.count(collection), 1);
    },

    "a second delete is NOT_FOUND": async ({ db, collection }) => {
      const { id } = await db.create(collection, {});
      await db.delete(id);
      await rejects(db.delete(id), "NOT_FOUND", { facts: { id } });
    },

    "an id can be created again after its delete, with nothing of the old fields": async ({ db, collection }) => {
      const id = `${collection}:again`;
      await db.create(collection, { old: true }, { id });
      await db.delete(id);
      await db.create(collection, { fresh: true }, { id });
      await isStored(db, id, { fresh: true });
    },

    "exists follows create and delete": async ({ db, collection }) => {
      const id = `${collection}:one`;
      assert.equal(await db.exists(id), false);
      await db.create(collection, {}, { id });
      assert.equal(await db.exists(id), true);
      await db.delete(id);
      assert.equal(await db.exists(id), false);
    },

    "count counts what a filter matches, and all without one": async ({ db, collection }) => {
      for (const n of [1, 2, 3, 4]) await db.create(collection, { n });
      assert.equal(await db.count(collection), 4);
      assert.equal(await db.count(collection, { op: "gt", path: ["n"], value: 2 }), 2);
      assert.equal(await db.count(collection, { op: "eq", path: ["n"], value: 9 }), 0);
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
