import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

const MAX = 2n ** 63n - 1n;

export const expectations: Theme = {
  name: "expect",
  cases: {
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
