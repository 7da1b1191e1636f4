import assert from "node:assert/strict";
import { isStored, rejects, sameValue } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

export const updates: Theme = {
  name: "update",
  cases: {
    "a merge sets the named fields and leaves the others": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1, b: 2 });
      await db.update(id, { b: 3, c: 4 });
      await isStored(db, id, { a: 1, b: 3, c: 4 });
    },

    "a merge replaces nested objects whole": async ({ db, collection }) => {
      const { id } = await db.create(collection, { nested: { a: 1, b: { c: 2 } }, list: [1, 2, 3] });
      await db.update(id, { nested: { b: { d: 3 } }, list: [4] });
      await isStored(db, id, { nested: { b: { d: 3 } }, list: [4] });
    },

    "a merge with undefined removes the field, null keeps it as null": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1, b: 2, c: 3 });
      await db.update(id, { a: undefined, b: null });
      const row = await db.read(id);
      assert.equal(row !== undefined && "a" in row, false);
      await isStored(db, id, { b: null, c: 3 });
    },

    "a merge that removes what is not there changes nothing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1 });
      await db.update(id, { b: undefined });
      await db.update(id, {});
      await isStored(db, id, { a: 1 });
    },

    "a merge can set and remove in one go": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1, b: 2 });
      await db.update(id, { a: undefined, b: 3, c: { d: 4 } });
      await isStored(db, id, { b: 3, c: { d: 4 } });
    },

    "a replace leaves nothing of the old fields": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1, nested: { b: 2 } });
      await db.update(id, { c: 3, gone: undefined }, { mode: "replace" });
      await isStored(db, id, { c: 3 });
      await db.update(id, {}, { mode: "replace" });
      await isStored(db, id, {});
    },

    "an update of a missing record is NOT_FOUND in every mode and makes none": async ({ db, collection }) => {
      const id = `${collection}:gone`;
      for (const mode of ["merge", "replace", "increment"] as const) {
        await rejects(db.update(id, { n: 1 }, { mode }), "NOT_FOUND", { what: mode, facts: { id } });
      }
      await isStored(db, id, undefined);
      assert.equal(await db.count(collection), 0);
    },

    "an update with returning gives the stored row in every mode": async ({ db, collection }) => {
      const { id } = await db.create(collection, { a: 1, b: 2, gone: true });
      const returning = true;
      const merged = await db.update(id, { b: 3, gone: undefined }, { returning });
      sameValue(merged.row, { id, a: 1, b: 3 }, "the row of the merge");
      const counted = await db.update(id, { a: 9, c: 1 }, { mode: "increment", returning });
      sameValue(counted.row, { id, a: 10, b: 3, c: 1 }, "the row of the increment");
      const replaced = await db.update(id, { z: 1 }, { mode: "replace", returning });
      sameValue(replaced.row, { id, z: 1 }, "the row of the replace");
      await isStored(db, id, { z: 1 });
    },

    "an update touches one record alone": async ({ db, collection }) => {
      const ids = ["a", "b", "c"].map((key) => `${collection}:${key}`);
      for (const id of ids) await db.create(collection, { n: 1 }, { id });
      await db.update(`${collection}:b`, { n: 2 });
      await db.update(`${collection}:c`, { n: 1 }, { mode: "increment" });
      await isStored(db, `${collection}:a`, { n: 1 });
      await isStored(db, `${collection}:b`, { n: 2 });
      await isStored(db, `${collection}:c`, { n: 2 });
    },
  },
};
