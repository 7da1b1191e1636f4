import { copyValue, equalValues, type Value } from "@db/core";
import fc from "fast-check";
import { Decimal, Duration, RecordId, Uuid } from "surrealdb";
import { describe, expect, test } from "vitest";
import { ExactCodec } from "../src/codec.ts";

const codec = new ExactCodec();
const roundTrip = (value: unknown): unknown => codec.decode(codec.encode(value));

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    finite,
    int64,
    fc.string({ unit: "grapheme" }),
    fc.date({ noInvalidDate: true, min: new Date(-8.3e15), max: new Date(8.2e15) }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value")),
  ),
}));

describe("the codec", () => {
  test("gives back every portable value as it was", () => {
    fc.assert(
      fc.property(value, (written) => equalValues(roundTrip(written), copyValue(written))),
      { numRuns: 2_000 },
    );
  });

  test("keeps the sign of zero", () => {
    expect(Object.is(roundTrip(-0), -0)).toBe(true);
  });

  test.each([1e300, 2 ** 60, -(2 ** 53) - 2, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    "keeps the number %d",
    (number) => {
      expect(roundTrip(number)).toBe(number);
    },
  );

  test.each([-(2n ** 53n) - 1n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n])("keeps the integer %d", (integer) => {
    expect(roundTrip(integer)).toBe(integer);
  });

  test("refuses an integer of more than 64 bits instead of wrapping it", () => {
    expect(() => codec.encode(2n ** 63n)).toThrow(RangeError);
  });

  test("keeps an own __proto__ without touching the prototype", () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}');
    const back = roundTrip(hostile) as { polluted?: boolean };
    expect(Object.keys(back as object)).toEqual(["__proto__", "constructor"]);
    expect(back.polluted).toBeUndefined();
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  test("keeps SurrealDB's own types", () => {
    const own = {
      decimal: new Decimal("12.30"),
      duration: new Duration("1h30m"),
      id: new RecordId("a", "1"),
      uuid: Uuid.v7(),
    };
    expect(String(Object.values(roundTrip(own) as object))).toBe(String(Object.values(own)));
  });

  test("cuts nanoseconds to the milliseconds that a Date holds, before 1970 too", () => {
    expect(roundTrip(new Date(-5))).toEqual(new Date(-5));
    expect(roundTrip(new Date(-62_135_596_800_000))).toEqual(new Date(-62_135_596_800_000));
  });

  test("refuses functions and symbols", () => {
    expect(() => codec.encode(() => {})).toThrow(TypeError);
    expect(() => codec.encode(Symbol("x"))).toThrow(TypeError);
  });

  test("refuses what the engine never sends", () => {
    expect(() => codec.decode(Uint8Array.of(0x9f))).toThrow(RangeError);
    expect(() => codec.decode(Uint8Array.of(0xd8, 200, 0))).toThrow(RangeError);
    expect(() => codec.decode(Uint8Array.of(0xf8, 32))).toThrow(RangeError);
  });

  test.each([
    [Uint8Array.of(0xf9, 0x3c, 0x00), 1],
    [Uint8Array.of(0xf9, 0xfc, 0x00), Number.NEGATIVE_INFINITY],
    [Uint8Array.of(0xf9, 0x7e, 0x00), Number.NaN],
    [Uint8Array.of(0xf9, 0x00, 0x01), 2 ** -24],
    [Uint8Array.of(0xfa, 0x3f, 0x80, 0x00, 0x00), 1],
    [Uint8Array.of(0xf7), undefined],
  ])("reads the short forms of numbers: %s", (bytes, number) => {
    expect(codec.decode(bytes)).toBe(number);
  });

  test("keeps the first integers beyond a number", () => {
    expect(roundTrip(-(2n ** 53n))).toBe(-(2n ** 53n));
    expect(roundTrip(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(roundTrip(-(2n ** 53n) + 1n)).toBe(Number.MIN_SAFE_INTEGER);
  });

  test("keeps a byte order mark and texts around the size that is written byte by byte", () => {
    for (const text of ["\ufefftext", "x".repeat(48), "x".repeat(49), `${"x".repeat(47)}é`, "é".repeat(48)])
      expect(roundTrip(text)).toBe(text);
  });

  test("gives bytes that belong to nobody else", () => {
    const message = Buffer.from(codec.encode({ id: Uuid.v7(), bytes: Uint8Array.of(1, 2, 3) }));
    const padded = Buffer.concat([Buffer.alloc(9), message, Buffer.alloc(9)]).subarray(9, 9 + message.length);
    const { id, bytes } = codec.decode<{ id: Uuid; bytes: Uint8Array }>(padded);
    padded.fill(0xff);
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(codec.decode<{ id: Uuid }>(codec.encode({ id })).id.toString()).toBe(id.toString());
  });

  test("tells names apart that look alike, however many there are", () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `field_${n}`);
    const row = Object.fromEntries(names.map((name, n) => [name, n]));
    for (let round = 0; round < 2; round += 1) expect(roundTrip(row)).toEqual(row);
  });

  test("refuses what ends too early, whatever it says of its length", () => {
    const message = codec.encode({ list: [1, 2, 3], text: "x".repeat(100), far: 2n ** 60n });
    for (let length = 0; length < message.length; length += 1)
      expect(() => codec.decode(message.subarray(0, length))).toThrow(RangeError);
    expect(() => codec.decode(Uint8Array.of(0x9b, 0, 0, 0, 255, 255, 255, 255, 255))).toThrow(RangeError);
  });

  test("can be used from within itself", () => {
    const row = {
      get inner() {
        return [...codec.encode("inner")];
      },
      outer: "outer",
    };
    expect(roundTrip(row)).toEqual({ inner: [...codec.encode("inner")], outer: "outer" });
  });
});
