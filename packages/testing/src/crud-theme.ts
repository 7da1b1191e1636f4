import assert from "node:assert/strict";
import { isStored, rejects } from "./assertions.ts";
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
  },
};
