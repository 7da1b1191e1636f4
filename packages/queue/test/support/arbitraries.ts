import type { Fields, Value } from "@db/core";
import fc from "fast-check";

const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed());
const name = fc.oneof(
  text.filter((value) => value !== "" && !value.includes("\0")),
  fc.constantFrom("__proto__", "constructor", "toJSON", "$date", "$object", "$bytes", "$bigint", "$number", "$", "😀"),
);
const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text,
  fc.constantFrom("$date", "2026-01-01T00:00:00.000Z", "\ufeff"),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Uint8Array.from(bytes)),
);

/** All that can be stored anywhere, names that a format may mistake included. */
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4 }),
  ),
})).value;

export const fields: fc.Arbitrary<Fields> = fc.dictionary(name, value, { maxKeys: 5 });
