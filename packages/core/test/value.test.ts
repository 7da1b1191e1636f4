import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addNumbers, classOf, copyValue, equalValues, getField, isPlainObject, setField } from "../src/index.ts";
import { checkValue, compareText } from "../src/value.ts";
import { common, number, value, wellFormed } from "./support/arbitraries.ts";
import { failureOf } from "./support/service.ts";

const INT64_MAX = 2n ** 63n - 1n;
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

describe("what can be stored", () => {
  test("every portable value is taken", () => {
    fc.assert(
      fc.property(value, (found) => {
        checkValue(found, []);
      }),
    );
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "type"],
    ["a function", () => {}, "type"],
    ["a symbol", Symbol("s"), "type"],
    ["a Map", new Map(), "type"],
    ["a Set", new Set(), "type"],
    ["a regular expression", /a/, "type"],
    ["a typed array that is not bytes", new Float64Array(1), "type"],
    ["an instance of a class", new (class Money {})(), "type"],
    ["a promise", Promise.resolve(1), "type"],
    ["NaN", Number.NaN, "finite"],
    ["Infinity", Number.POSITIVE_INFINITY, "finite"],
    ["an integer above 64 bits", INT64_MAX + 1n, "int64"],
    ["an integer below 64 bits", -INT64_MAX - 2n, "int64"],
    ["a lone surrogate", "a\ud800b", "unicode"],
    ["an invalid date", new Date(Number.NaN), "date"],
    ["a hole in an array", Array(1), "type"],
    ["an empty field name", { "": 1 }, "field_name"],
    ["a field name with NUL", { "a\0": 1 }, "field_name"],
    ["a field name with a lone surrogate", { "\udfff": 1 }, "field_name"],
    ["101 levels", nested(101), "depth"],
  ])("%s is refused", (_name, found, rule) => {
    const error = failureOf(() => checkValue({ outer: [found] }, ["data"]));
    expect(error).toMatchObject({ code: "VALIDATION_FAILED", facts: { issues: [{ rule }] } });
  });

  test("the refusal names the path", () => {
    const error = failureOf(() => checkValue({ tags: ["a", undefined] }, ["data"]));
    expect(error).toMatchObject({ facts: { issues: [{ path: ["data", "tags", 1] }] } });
    expect(error.message).toContain("expected data.tags.1 to be a portable value");
  });

  test("a cycle is refused and does not hang", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(failureOf(() => checkValue(cycle, [])).code).toBe("VALIDATION_FAILED");
  });

  test("the limits themselves are taken", () => {
    checkValue([INT64_MAX, -INT64_MAX - 1n, Number.MAX_VALUE, -0, nested(98)], []);
  });

  test("a value that only looks like a date or bytes is refused, not believed", () => {
    for (const fake of [Object.create(Date.prototype), Object.create(Uint8Array.prototype)]) {
      expect(failureOf(() => checkValue([fake], [])).code).toBe("VALIDATION_FAILED");
    }
  });

  test("an adapter's own type is taken only by who owns it", () => {
    class Point {}
    checkValue({ at: new Point() }, [], (found) => found instanceof Point);
    expect(failureOf(() => checkValue(new Map(), [], (found) => found instanceof Point)).message).toContain("got Map");
  });
});

describe("a copy", () => {
  test("is equal to its source and shares nothing with it that can change", () => {
    fc.assert(
      fc.property(value, (found) => {
        const copy = copyValue(found);
        expect(equalValues(copy, found)).toBe(true);
        if (typeof found === "object" && found !== null) expect(copy).not.toBe(found);
      }),
    );
  });

  test("reads whole numbers back as numbers exactly where that is exact", () => {
    expect(copyValue([5n, -(2n ** 53n) + 1n, 2n ** 53n])).toEqual([5, -(2 ** 53) + 1, 2n ** 53n]);
  });

  test("a field named __proto__ stays a field and changes no prototype", () => {
    const source: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":1}');
    const copy = copyValue(source) as { admin?: boolean };
    expect(copy.admin).toBeUndefined();
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(getField(copy, "__proto__")).toEqual({ admin: true });
    const target: { [field: string]: unknown } = {};
    setField(target, "__proto__", { admin: true });
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    expect(Object.keys(target)).toEqual(["__proto__"]);
  });

  test("only own fields of plain objects are read", () => {
    expect(getField({}, "toString")).toBeUndefined();
    expect(getField([1], "length")).toBeUndefined();
    expect(getField("text", "length")).toBeUndefined();
    expect(getField(null, "a")).toBeUndefined();
    expect(isPlainObject(Object.create(null))).toBe(true);
    expect(isPlainObject(new Date())).toBe(false);
  });
});

describe("equality", () => {
  test("is reflexive", () => {
    fc.assert(
      fc.property(value, (a) => {
        expect(equalValues(a, a)).toBe(true);
      }),
    );
  });

  test("is symmetric, also among values that nearly meet", () => {
    fc.assert(
      fc.property(fc.oneof(value, common), fc.oneof(value, common), (a, b) => {
        expect(equalValues(a, b)).toBe(equalValues(b, a));
      }),
    );
  });

  test("is transitive among values that nearly meet", () => {
    fc.assert(
      fc.property(common, common, common, (a, b, c) => {
        if (equalValues(a, b) && equalValues(b, c)) expect(equalValues(a, c)).toBe(true);
      }),
    );
  });

  test.each<[unknown, unknown, boolean]>([
    [1, 1n, true],
    [0, -0, true],
    [2 ** 53, 2n ** 53n + 1n, false],
    [1, "1", false],
    [1, true, false],
    [null, undefined, false],
    [new Date(5), new Date(5), true],
    [new Date(5), 5, false],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2), true],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 3), false],
    [Buffer.of(1), Uint8Array.of(1), true],
    [Uint8Array.of(1), [1], false],
    [{ a: 1, b: 2 }, { b: 2n, a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ toString: 1 }, { a: 1 }, false],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [{}, [], false],
  ])("of %o and %o is %o", (a, b, same) => {
    expect(equalValues(a, b)).toBe(same);
  });
});

describe("the order of text", () => {
  test("is that of code points", () => {
    const points = (found: string): number[] => [...found].map((character) => character.codePointAt(0) ?? 0);
    const naive = (a: string, b: string): number => {
      const [x, y] = [points(a), points(b)];
      const at = x.findIndex((point, index) => point !== y[index]);
      return at < 0 ? x.length - y.length : at >= y.length ? 1 : (x[at] ?? 0) - (y[at] ?? 0);
    };
    fc.assert(
      fc.property(wellFormed, wellFormed, wellFormed, (prefix, a, b) => {
        expect(Math.sign(compareText(prefix + a, prefix + b))).toBe(Math.sign(naive(prefix + a, prefix + b)));
      }),
    );
  });

  test("puts an emoji after U+FFFF, where JavaScript's own < does not", () => {
    expect(compareText("\uffff", "😀")).toBeLessThan(0);
    expect("\uffff" < "😀").toBe(false);
  });
});

describe("the sum", () => {
  test("of whole numbers is exact or does not fit", () => {
    const whole = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -INT64_MAX - 1n, max: INT64_MAX }));
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        const exact = BigInt(a) + BigInt(b);
        const sum = addNumbers(a, b);
        if (exact > INT64_MAX || exact < -INT64_MAX - 1n) expect(sum).toBeUndefined();
        else expect(BigInt(sum ?? 0)).toBe(exact);
        expect(typeof sum === "bigint" && Number.isSafeInteger(Number(sum))).toBe(false);
      }),
    );
  });

  test("of any numbers can be stored, and does not depend on their order", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const sum = addNumbers(a, b);
        if (sum !== undefined) checkValue(sum, []);
        expect(addNumbers(b, a)).toBe(sum);
      }),
    );
  });

  test.each<[number | bigint, number | bigint, number | bigint | undefined]>([
    [INT64_MAX, 1, undefined],
    [-INT64_MAX - 1n, -1n, undefined],
    [INT64_MAX, -1, INT64_MAX - 1n],
    [Number.MAX_SAFE_INTEGER, 1, 2n ** 53n],
    [Number.MAX_VALUE, Number.MAX_VALUE, undefined],
    [0.5, 1n, 1.5],
  ])("of %o and %o is %o", (a, b, sum) => {
    expect(addNumbers(a, b)).toBe(sum);
  });
});

test("every value has one class", () => {
  expect(
    [null, true, 1, 1n, "a", new Date(), Uint8Array.of(), [], {}, new Map(), undefined, () => {}].map(classOf),
  ).toEqual([
    "null",
    "boolean",
    "number",
    "number",
    "string",
    "date",
    "bytes",
    "array",
    "object",
    "other",
    "other",
    "other",
  ]);
});
