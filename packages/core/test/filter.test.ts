import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  and,
  contains,
  eq,
  type Filter,
  gt,
  gte,
  isEqual,
  isIn,
  lt,
  lte,
  matchesFilter,
  ne,
  not,
  or,
  type Value,
} from "../src/index.ts";
import { common, commonField, filter, rows } from "./support/arbitraries.ts";

const holds = (check: (row: object, name: string, wanted: Value) => void): void => {
  fc.assert(
    fc.property(rows, commonField, common, (all, name, wanted) => {
      for (const row of all) check(row, name, wanted);
    }),
  );
};

describe("laws", () => {
  test("ne is the negation of eq", () => {
    holds((row, name, wanted) => {
      expect(matchesFilter(row, ne(name, wanted))).toBe(!matchesFilter(row, eq(name, wanted)));
    });
  });

  test("not negates any filter, and twice not changes nothing", () => {
    fc.assert(
      fc.property(rows, filter, (all, any) => {
        for (const row of all) {
          expect(matchesFilter(row, not(any))).toBe(!matchesFilter(row, any));
          expect(matchesFilter(row, not(not(any)))).toBe(matchesFilter(row, any));
        }
      }),
    );
  });

  test("and is all of them, or is one of them, each the other's mirror under not", () => {
    fc.assert(
      fc.property(rows, fc.array(filter, { maxLength: 3 }), (all, filters) => {
        for (const row of all) {
          const each = filters.map((one) => matchesFilter(row, one));
          expect(matchesFilter(row, and(...filters))).toBe(!each.includes(false));
          expect(matchesFilter(row, or(...filters))).toBe(each.includes(true));
          expect(matchesFilter(row, not(and(...filters)))).toBe(matchesFilter(row, or(...filters.map(not))));
        }
      }),
    );
  });

  test("in is one of several eq", () => {
    fc.assert(
      fc.property(rows, commonField, fc.array(common, { maxLength: 4 }), (all, name, wanted) => {
        const several = or(...wanted.map((one) => eq(name, one)));
        for (const row of all) expect(matchesFilter(row, isIn(name, wanted))).toBe(matchesFilter(row, several));
      }),
    );
  });

  test("of lt, eq and gt at most one holds, and lte and gte are what they say", () => {
    holds((row, name, wanted) => {
      const [below, above] = [matchesFilter(row, lt(name, wanted)), matchesFilter(row, gt(name, wanted))];
      const same = matchesFilter(row, eq(name, wanted));
      expect([below, same, above].filter(Boolean).length).toBeLessThanOrEqual(1);
      const comparable = matchesFilter(row, lte(name, wanted)) || matchesFilter(row, gte(name, wanted));
      if (comparable) {
        expect(matchesFilter(row, lte(name, wanted))).toBe(below || same);
        expect(matchesFilter(row, gte(name, wanted))).toBe(above || same);
      }
    });
  });
});

describe("meaning", () => {
  const row = {
    id: "notes:1",
    n: 5,
    big: 2n ** 60n,
    text: "straße",
    none: null,
    tags: ["a", 1, { x: 1 }],
    deep: { inner: { n: 1 } },
    at: new Date(10),
    flag: true,
    "a.b": "dotted",
    bytes: Uint8Array.of(1),
  };

  test.each<[string, Filter, boolean]>([
    ["eq null matches null", eq("none", null), true],
    ["eq null matches missing", eq("missing", null), true],
    ["eq null matches no value", eq("n", null), false],
    ["ne null is present", ne("n", null), true],
    ["ne of a missing field holds", ne("missing", 1), true],
    ["a comparison with a missing field does not hold", lt("missing", 1), false],
    ["nor does its opposite", gte("missing", 1), false],
    ["a comparison across types does not hold", lt("text", 1), false],
    ["nor does its opposite either", gt("text", 1), false],
    ["a number is compared with a bigint by value", lt("n", 6n), true],
    ["a bigint beyond 2^53 is compared exactly", lt("big", 2n ** 60n + 1n), true],
    ["dates are compared", lte("at", new Date(10)), true],
    ["booleans are compared", gt("flag", false), true],
    ["null is not less than anything", lt("none", 1), false],
    ["a string contains a text", contains("text", "raß"), true],
    ["a string contains nothing but text", contains("text", 1), false],
    ["an array contains a value", contains("tags", 1n), true],
    ["an array contains an object by value", contains("tags", { x: 1 }), true],
    ["an array does not contain a part of its text", contains("tags", ""), false],
    ["a number contains nothing", contains("n", 5), false],
    ["in none is never", isIn("n", []), false],
    ["and of none is always", and(), true],
    ["or of none is never", or(), false],
    ["a path goes through objects", eq(["deep", "inner", "n"], 1), true],
    ["a path does not go through arrays", eq(["tags", "0"], "a"), false],
    ["a name with a dot is one name", eq("a.b", "dotted"), true],
    ["a name with a dot is no path", eq("deep.inner", 1), false],
    ["an inherited property is missing", eq("toString", null), true],
    ["the prototype is no field", eq(["__proto__", "constructor"], null), true],
    ["the length of a text is no field", eq(["text", "length"], null), true],
    ["bytes are equal by content", eq("bytes", Uint8Array.of(1)), true],
    ["objects are equal whatever the order of their fields", eq("deep", { inner: { n: 1n } }), true],
  ])("%s", (_name, condition, matches) => {
    expect(matchesFilter(row, condition)).toBe(matches);
  });

  test("a row that is none matches like an empty one", () => {
    for (const odd of [null, undefined, 5, "text", []]) expect(matchesFilter(odd, eq("a", null))).toBe(true);
  });

  test("isEqual takes null for missing on one side only", () => {
    expect([isEqual(undefined, null), isEqual(null, undefined), isEqual(1, 1n)]).toEqual([true, false, true]);
  });
});
