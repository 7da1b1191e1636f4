import assert from "node:assert/strict";
import type { Theme } from "./conformance-case.ts";
import { keeps } from "./value-checks.ts";

const MAX = 2n ** 63n - 1n;
const MIN = -(2n ** 63n);

export const values: Theme = {
  name: "values",
  cases: {
    "null, true and false are kept": ({ db, collection }) => keeps(db, collection, [null, true, false]),

    "null is not missing": async ({ db, collection }) => {
      const { id } = await db.create(collection, { none: null, nested: { none: null } });
      const row = await db.read(id);
      assert.deepEqual(Object.keys(row ?? {}).sort(), ["id", "nested", "none"]);
      assert.deepEqual(Object.keys(row?.nested as object), ["none"]);
    },

    "whole numbers are kept, as numbers": ({ db, collection }) =>
      keeps(db, collection, [0, 1, -1, 255, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1]),

    "whole numbers beyond 2⁵³ are kept exactly, as bigints": async ({ db, collection }) => {
      const big = [9_007_199_254_740_993n, -9_007_199_254_740_993n, MAX, MIN, MAX - 1n];
      await keeps(db, collection, big);
      const { id } = await db.create(collection, { n: MAX });
      assert.equal(typeof (await db.read(id))?.n, "bigint");
    },

    "a small bigint is read back as a number": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: 5n, list: [0n, -7n], nested: { n: 9_007_199_254_740_991n } });
      const row = await db.read(id);
      assert.deepEqual([row?.n, row?.list, row?.nested], [5, [0, -7], { n: 9_007_199_254_740_991 }]);
    },

    "fractions are kept exactly": ({ db, collection }) =>
      keeps(db, collection, [
        0.1,
        -0.5,
        0.1 + 0.2,
        1 / 3,
        Math.PI,
        1e300,
        -1e300,
        5e-324,
        1.7976931348623157e308,
        1e-7,
      ]),

    "minus zero is kept as a zero": async ({ db, collection }) => {
      const { id } = await db.create(collection, { n: -0 });
      assert.equal(Math.abs((await db.read(id))?.n as number), 0);
    },

    "text is kept to the last code point": ({ db, collection }) =>
      keeps(db, collection, ["", " ", "a", "\u0001\u001f\u007f", "\r\n\t", "é", "e\u0301", "\u{10ffff}", "👩‍👩‍👧‍👦"]),

    "a text of a megabyte is kept": async ({ db, collection }) => {
      await keeps(db, collection, ["0123456789abcdé".repeat(70_000).slice(0, 1_000_000)]);
    },

    "dates are kept to the millisecond, also before 1970": ({ db, collection }) =>
      keeps(
        db,
        collection,
        [
          "1970-01-01T00:00:00.000Z",
          "1969-12-31T23:59:59.999Z",
          "1969-12-31T23:59:59.001Z",
          "2024-02-29T23:59:59.999Z",
          "2001-09-09T01:46:40.001Z",
          "0001-01-01T00:00:00.007Z",
          "9999-12-31T23:59:59.999Z",
        ].map((text) => new Date(text)),
      ),

    "a date is a Date and not its text": async ({ db, collection }) => {
      const at = new Date("2024-01-02T03:04:05.678Z");
      const { id } = await db.create(collection, { at, text: at.toISOString() });
      const row = await db.read(id);
      assert.ok(row?.at instanceof Date);
      assert.equal(row.text, "2024-01-02T03:04:05.678Z");
    },

    "bytes are kept, as a Uint8Array": async ({ db, collection }) => {
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      await keeps(db, collection, [new Uint8Array(), Uint8Array.of(0), all, all.subarray(3, 9), Buffer.from("é")]);
      const { id } = await db.create(collection, { bytes: all });
      assert.ok((await db.read(id))?.bytes instanceof Uint8Array);
    },
  },
};
