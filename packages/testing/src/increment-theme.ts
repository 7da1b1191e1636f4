import { isStored, rejects, sameValue } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

export const increments: Theme = {
  name: "increment",
  cases: {
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
  },
};
