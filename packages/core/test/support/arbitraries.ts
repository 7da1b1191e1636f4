import fc from "fast-check";
import { and, contains, eq, type Filter, gt, gte, isIn, lt, lte, ne, not, or, type Value } from "../../src/index.ts";

/** Text with all that is awkward: astral characters, quotes, NUL, names of the prototype. */
const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "__proto__", "constructor", "\0", "'; DROP TABLE notes; --", "\u{10ffff}", "\uffff", "😀", "é"),
);
export const wellFormed: fc.Arbitrary<string> = text.filter((value) => value.isWellFormed());
export const fieldName: fc.Arbitrary<string> = wellFormed.filter((name) => name !== "" && !name.includes("\0"));
export const collection: fc.Arbitrary<string> = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/);
export const number: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  number,
  wellFormed,
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Uint8Array.from(bytes)),
);

/** All that can be stored anywhere. */
export const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("value"), { maxKeys: 4 }),
  ),
})).value;

/** Few values of few fields, so that rows do meet filters and ties in an order do happen. */
export const common: fc.Arbitrary<Value> = fc.constantFrom<Value>(
  null,
  false,
  true,
  -1,
  0,
  1,
  1n,
  2 ** 53,
  2n ** 53n + 1n,
  new Date(0),
  new Date(1),
  "",
  "a",
  "ab",
  "\uffff",
  "😀",
  ["a", 1],
  { a: 1 },
);
export const commonField: fc.Arbitrary<string> = fc.constantFrom("a", "b", "c");
const path = fc.oneof(commonField, fc.array(commonField, { minLength: 1, maxLength: 2 }));
const ordered = common.filter((found) => found !== null && (typeof found !== "object" || found instanceof Date));

export const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.tuple(fc.constantFrom(eq, ne, contains), path, common).map(([make, at, wanted]) => make(at, wanted)),
    fc.tuple(fc.constantFrom(lt, lte, gt, gte), path, ordered).map(([make, at, wanted]) => make(at, wanted)),
    fc.tuple(path, fc.array(common, { maxLength: 3 })).map(([at, wanted]) => isIn(at, wanted)),
    fc.array(tie("filter"), { maxLength: 3 }).map((filters) => and(...filters)),
    fc.array(tie("filter"), { maxLength: 3 }).map((filters) => or(...filters)),
    tie("filter").map(not),
  ),
})).filter;

/** Rows of a collection, each with its own id. */
export const rows = fc
  .array(fc.dictionary(commonField, common, { maxKeys: 3 }), { maxLength: 25 })
  .map((all) => all.map((fields, index) => ({ ...fields, id: `notes:${String(index).padStart(2, "0")}` })));

export const order = fc.array(fc.tuple(path, fc.constantFrom("asc" as const, "desc" as const)), { maxLength: 3 });
