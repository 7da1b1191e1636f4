import assert from "node:assert/strict";
import { isStored, rejects, sameValue } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

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

    "an increment adds, a missing field being 0": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1, other: "x" });
      await db.update(id, { n: 2, fresh: 5 }, { mode: "increment" });
      await db.update(id, { n: -4, fresh: 0.5 }, { mode: "increment" });
      await isStored(db, id, { n: -1, fresh: 5.5, other: "x" });
    },

    "an increment is exact for whole numbers of 64 bits": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: Number.MAX_SAFE_INTEGER, big: MAX - 1n, small: MIN + 1n });
      await db.update(id, { n: 2, big: 1, small: -1n }, { mode: "increment" });
      await isStored(db, id, { n: 9_007_199_254_740_993n, big: MAX, small: MIN });
      await db.update(id, { n: -2 }, { mode: "increment" });
      sameValue((await db.read(id))?.n, Number.MAX_SAFE_INTEGER, "n");
    },

    "an increment beyond 64 bits is FIELD_VIOLATION and changes nothing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { big: MAX, small: MIN, n: 1 });
      const mode = "increment";
      await rejects(db.update(id, { big: 1 }, { mode }), "FIELD_VIOLATION", { facts: { field: "big" } });
      await rejects(db.update(id, { n: 1, small: -1 }, { mode }), "FIELD_VIOLATION", { facts: { field: "small" } });
      await isStored(db, id, { big: MAX, small: MIN, n: 1 });
    },

    "an increment of what is no number is FIELD_VIOLATION and changes nothing": async ({ db, collection }) => {
      const data = { n: 1, text: "1", none: null, flag: true, list: [1], map: { a: 1 }, at: new Date(0) };
      const { id } = await db.create(collection, data);
      for (const field of ["text", "none", "flag", "list", "map", "at"]) {
        const step = db.update(id, { n: 1, [field]: 1 }, { mode: "increment" });
        await rejects(step, "FIELD_VIOLATION", { what: `an increment of ${field}`, facts: { field } });
      }
      await isStored(db, id, data);
    },

    "an increment by anything but numbers is VALIDATION_FAILED": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 1 });
      for (const step of ["1", null, true, undefined, [1], new Date(0)]) {
        await rejects(db.update(id, { n: step }, { mode: "increment" }), "VALIDATION_FAILED");
      }
      await isStored(db, id, { n: 1 });
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

    "an expectation that holds lets update and delete pass": async ({ db, collection }) => {
      const { id } = await db.create(collection, { version: 1, state: "open" });
      await db.update(id, { version: 2 }, { expect: { version: 1, state: "open" } });
      await db.update(id, { n: 1 }, { expect: { version: 2 }, mode: "increment" });
      await db.update(id, { version: 3 }, { expect: { n: 1 }, mode: "replace" });
      await isStored(db, id, { version: 3 });
      await db.delete(id, { expect: { version: 3 } });
      await isStored(db, id, undefined);
    },

    "an expectation that fails is PRECONDITION_FAILED and changes nothing": async ({ db, collection }) => {
      const data = { version: 1, state: "open" };
      const { id } = await db.create(collection, data);
      const expect = { state: "open", version: 2 };
      for (const mode of ["merge", "replace", "increment"] as const) {
        await rejects(db.update(id, { n: 1 }, { mode, expect }), "PRECONDITION_FAILED", { what: mode, facts: { id } });
      }
      await rejects(db.delete(id, { expect }), "PRECONDITION_FAILED", { what: "delete", facts: { id } });
      await rejects(db.delete(id, { expect: { missing: 1 } }), "PRECONDITION_FAILED", { facts: { id } });
      await rejects(db.delete(id, { expect: { version: "1" } }), "PRECONDITION_FAILED", { facts: { id } });
      await isStored(db, id, data);
    },

    "an expectation of null holds for null and for missing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { none: null, some: 1 });
      await db.update(id, { n: 1 }, { expect: { none: null, missing: null } });
      await rejects(db.update(id, { n: 2 }, { expect: { some: null } }), "PRECONDITION_FAILED", { facts: { id } });
      await isStored(db, id, { none: null, some: 1, n: 1 });
    },

    "an expectation compares whole values of every type": async ({ db, collection }) => {
      const data = {
        at: new Date("2024-02-29T12:00:00.123Z"),
        bytes: Uint8Array.of(0, 255),
        list: [1, { a: null }],
        map: { a: 1, b: [true] },
        big: MAX,
        text: "é'`\\",
      };
      const { id } = await db.create(collection, data);
      await db.update(id, { n: 1 }, { expect: { ...data, map: { b: [true], a: 1 } } });
      const wrong = [
        { at: new Date("2024-02-29T12:00:00.124Z") },
        { bytes: Uint8Array.of(0, 254) },
        { list: [1] },
        { map: { a: 1 } },
        { big: MAX - 1n },
        { text: "e\u0301'`\\" },
      ];
      for (const expect of wrong) {
        const name = Object.keys(expect).join();
        await rejects(db.update(id, { n: 9 }, { expect }), "PRECONDITION_FAILED", { what: name });
      }
      await isStored(db, id, { ...data, n: 1 });
    },

    "a missing record is NOT_FOUND before an expectation is looked at": async ({ db, collection }) => {
      const id = `${collection}:gone`;
      await rejects(db.update(id, { n: 1 }, { expect: { n: 0 } }), "NOT_FOUND", { facts: { id } });
      await rejects(db.delete(id, { expect: { n: null } }), "NOT_FOUND", { facts: { id } });
    },
  },
};
