import fc from "fast-check";
import { CborCodec, DateTime, Decimal, Duration, RecordId, Uuid } from "surrealdb";
import { describe, expect, test } from "vitest";
import { RpcRequest } from "../src/surreal-request.ts";
import { formatUuid, SessionId } from "../src/surreal-uuid.ts";

const codec = new CborCodec({});
const request = (value: unknown): RpcRequest => new RpcRequest(Buffer.from(codec.encode(value)));
const keyOf = (uuid: Uuid): string => uuid.toString().replaceAll("-", "");

/** Whatever the SDK can send as a parameter. */
const parameter = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(undefined, null, true, false, new Decimal("1.5"), new Duration("1h"), new DateTime(0)),
    fc.maxSafeInteger(),
    // The SDK cannot write whole numbers beyond 2⁵³ that are not bigints.
    fc.double({ noInteger: true }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.string({ minLength: 1 }), fc.integer()).map(([table, id]) => new RecordId(table, id)),
    fc.array(tie("value"), { maxLength: 30 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 30 }),
  ),
})).value;

describe("a request", () => {
  test("is read without its parameters, whatever they are, and moved into a session without a change to them", () => {
    const session = new SessionId();
    const [own, txn] = [Uuid.v4(), Uuid.v4()];
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 5 }), fc.constantFrom("none", "absent", "own"), (params, named) => {
        const sent = {
          id: "1",
          method: "query",
          params,
          ...(named === "none" && { session: undefined }),
          ...(named === "own" && { session: own }),
          txn,
        };
        const read = request(sent);
        expect(read.method).toBe("query");
        expect(codec.decode(read.id ?? Buffer.alloc(0))).toBe("1");
        expect(read.session).toBe(named === "own" ? keyOf(own) : undefined);
        expect(read.transaction).toBe(keyOf(txn));
        const engine = new Uuid(formatUuid(session.key));
        const expected = codec.encode({ id: "1", method: "query", params, txn, session: engine });
        expect(codec.decode(read.within(session))).toEqual(codec.decode(expected));
      }),
    );
  });

  test("that is cut short anywhere is refused, and read no further than it goes", () => {
    const bytes = Buffer.from(codec.encode({ id: "1", method: "query", params: ["RETURN $x", { x: [1, "two"] }] }));
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => new RpcRequest(bytes.subarray(0, length))).toThrow(RangeError);
  });

  test("of any bytes is read or refused with a RangeError, in no time", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new RpcRequest(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test("that says something twice is refused: the engine might take the other one", () => {
    for (const [key, value] of [
      ["method", "ping"],
      ["session", Uuid.v4()],
      ["txn", Uuid.v4()],
      ["params", []],
    ] as const) {
      const pair = Buffer.from(codec.encode({ [key]: value })).subarray(1);
      expect(() => new RpcRequest(Buffer.concat([Buffer.from([0xa2]), pair, pair]))).toThrow(`expected one ${key}`);
    }
  });

  test("may name its session by a text", () => {
    const uuid = Uuid.v4();
    const text = Buffer.concat([Buffer.from("a1", "hex"), Buffer.from("gsession"), Buffer.from("c97824", "hex")]);
    const read = new RpcRequest(Buffer.concat([text, Buffer.from(uuid.toString().toUpperCase())]));
    expect(read.session).toBe(keyOf(uuid));
    const session = new SessionId();
    expect(codec.decode(read.within(session))).toEqual({ session: new Uuid(formatUuid(session.key)) });
  });

  test("tells its only parameter if that is a UUID", () => {
    const uuid = Uuid.v4();
    expect(request({ method: "commit", params: [uuid] }).soleUuid()).toBe(keyOf(uuid));
    for (const params of [[], ["x"], [uuid, uuid], "x".repeat(19), undefined])
      expect(request({ method: "commit", params }).soleUuid()).toBeUndefined();
    expect(request({ method: "commit" }).soleUuid()).toBeUndefined();
  });
});
