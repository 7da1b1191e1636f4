import { equalValues, type Value } from "@db/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import type { Codec } from "../src/codec.ts";
import { json } from "../src/json.ts";
import { messagepack } from "../src/messagepack.ts";
import type { StoredWrite } from "../src/stored-write.ts";
import { v8 } from "../src/v8.ts";
import { fields } from "./support/arbitraries.ts";
import { isFullSize } from "./support/size.ts";

const RUNS = isFullSize ? 20_000 : 1_000;
const codecs: readonly Codec[] = [json, messagepack, cbor, v8];

const through = (codec: Codec, write: StoredWrite): StoredWrite => {
  const encoded = codec.encode(write);
  return codec.decode(typeof encoded === "string" ? Buffer.from(encoded) : Uint8Array.from(encoded));
};

describe.each(codecs)("$name", (codec) => {
  test("every write comes back as it was: dates, big integers, bytes, awkward names", () => {
    fc.assert(
      fc.property(
        fields,
        fc.option(fc.constant({ namespace: "a", database: "b" }), { nil: undefined }),
        (data, scope) => {
          const write: StoredWrite = {
            kind: "update",
            id: "notes:1",
            mode: "merge",
            data,
            remove: ["x", "$y"],
            ...(scope === undefined ? {} : { scope }),
          };
          expect(equalValues(through(codec, write) as unknown as Value, write as unknown as Value)).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("a date, a big integer, bytes and negative zero have their own types again", () => {
    const data = { d: new Date(-1), n: 2n ** 62n, b: Uint8Array.of(1, 2), z: -0, o: { $date: "x" } };
    const { data: found } = through(codec, { kind: "create", id: "notes:1", data }) as {
      readonly data: typeof data;
    } & StoredWrite;
    expect(found.d).toEqual(new Date(-1));
    expect(found.n).toBe(2n ** 62n);
    expect([...found.b]).toEqual([1, 2]);
    expect(found.z).toBe(-0);
    expect(found.o).toEqual({ $date: "x" });
  });

  class Distance {
    readonly metres = 1;
  }

  test.each([
    ["a function", () => {}],
    ["an object of a class, which would come back without it", new Distance()],
    ["a map", new Map([["a", 1]])],
  ])("%s is no portable value, and refused before it is stored", (_what, value) => {
    const data = { value } as never;
    expect(() => codec.encode({ kind: "create", id: "notes:1", data })).toThrow(
      expect.objectContaining({ code: "VALIDATION_FAILED" }),
    );
  });

  test("damaged bytes are an exception, not a write", () => {
    const bytes = Buffer.from(codec.encode({ kind: "delete", id: "notes:1" }) as string).subarray(0, 7);
    expect(() => codec.decode(bytes)).toThrow();
  });
});

test("a write without special values is plain JSON", () => {
  const write: StoredWrite = { kind: "create", id: "notes:1", data: { title: "Milk", tags: ["a"] } };
  expect(json.encode(write)).toBe(JSON.stringify(write));
  expect(() => json.encode({ kind: "create", id: "notes:1", data: { n: Number.NaN } })).toThrow("finite");
  expect(() => json.decode(Buffer.from('{"$what":1}'))).toThrow('expected a known mark, got "$what"');
});
