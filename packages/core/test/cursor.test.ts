import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeCursor, encodeCursor } from "../src/cursor.ts";
import { eq, type Filter, type OrderKey, planQuery, type Query, type Row, selectPage } from "../src/index.ts";
import { comparePositionLists, positionsOf } from "../src/order.ts";
import { fieldName, filter, order, value } from "./support/arbitraries.ts";
import { failureOf } from "./support/service.ts";

const byA: readonly OrderKey[] = [
  { path: ["a"], direction: "asc" },
  { path: ["id"], direction: "asc" },
];
const scope = { collection: "notes", where: undefined, order: byA };
const code = (run: () => unknown): string => failureOf(run).code;

/** A cursor as someone makes it who knows how we do: the digest holds no secret. */
function forge(positions: unknown, version = 1): string {
  const raw = typeof positions === "string" ? positions : JSON.stringify(positions);
  const canonical = `[${version},"notes",null,[{"direction":"asc","path":["a"]},{"direction":"asc","path":["id"]}],${JSON.stringify(JSON.parse(raw))}]`;
  const digest = createHash("sha256").update(canonical).digest("base64url").slice(0, 22);
  return Buffer.from(`[${version},"${digest}",${raw}]`).toString("base64url");
}

describe("round trip", () => {
  test("a cursor gives back the position of its row, whatever the row and the query", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fieldName, value),
        order,
        fc.option(filter, { nil: undefined }),
        (fields, by, where) => {
          const row = { ...fields, id: "notes:1" } as Row;
          const plan = planQuery("notes", where === undefined ? { order: by } : { order: by, where });
          const bound = { collection: "notes", where: plan.where, order: plan.order };
          const cursor = decodeCursor(bound, encodeCursor(bound, row));
          expect(comparePositionLists(cursor, positionsOf(row, plan.order), plan.order)).toBe(0);
        },
      ),
    );
  });

  test("beyond what a number holds, position is exact", () => {
    const row = { id: "notes:1", a: 2n ** 62n + 1n };
    expect(decodeCursor(scope, encodeCursor(scope, row))[0]?.value).toBe(2n ** 62n + 1n);
  });

  test("a page that ends on a row with a very long text can be continued", () => {
    const all: Row[] = [1, 2].map((key) => ({ id: `notes:${key}`, a: "x".repeat(100_000) }));
    const query: Query = { order: [["a", "asc"]], limit: 1 };
    const first = selectPage(all, "notes", planQuery("notes", query));
    const second = selectPage(all, "notes", planQuery("notes", { ...query, after: first.next ?? "" }));
    expect(second.items.map((row) => row.id)).toEqual(["notes:2"]);
  });

  test("the same filter written with its fields in another order is the same filter", () => {
    const row = { id: "notes:1" };
    const one: Filter = { op: "eq", path: ["a"], value: { x: 1, y: 2 } };
    const other: Filter = { value: { y: 2, x: 1 }, path: ["a"], op: "eq" };
    const next = encodeCursor({ ...scope, where: one }, row);
    expect(decodeCursor({ ...scope, where: other }, next)).toHaveLength(2);
  });
});

describe("a cursor that is not of this query is INVALID_QUERY", () => {
  const mine = encodeCursor(scope, { id: "notes:1", a: 5 });

  test.each<[string, typeof scope | { where: Filter }]>([
    ["collection", { ...scope, collection: "users" }],
    ["filter", { ...scope, where: eq("a", 5) }],
    ["order", { ...scope, order: [{ path: ["b"], direction: "asc" }, ...byA.slice(1)] }],
    ["direction", { ...scope, order: [{ path: ["a"], direction: "desc" }, ...byA.slice(1)] }],
    ["number of keys", { ...scope, order: byA.slice(1) }],
  ])("of another %s", (_name, other) => {
    expect(code(() => decodeCursor(other as typeof scope, mine))).toBe("INVALID_QUERY");
  });

  test.each<[Filter, Filter]>([
    [eq("a", 1n), eq("a", "n1")],
    [eq("a", new Date(5)), eq("a", "d5")],
    [eq("a", Uint8Array.of(1)), eq("a", "x01")],
    [eq("a", null), eq("a", "null")],
    [eq("a", [1, 2]), eq("a", "[1,2]")],
    [eq(["a", "b"], 1), eq("a.b", 1)],
  ])("of a filter that only looks the same: %o and %o", (one, other) => {
    const next = encodeCursor({ ...scope, where: one }, { id: "notes:1" });
    expect(code(() => decodeCursor({ ...scope, where: other }, next))).toBe("INVALID_QUERY");
  });
});

describe("a cursor that was tampered with is INVALID_QUERY", () => {
  const mine = encodeCursor(scope, { id: "notes:1", a: "text" });

  test("with any bit flipped, it never leads to another position", () => {
    const whole = decodeCursor(scope, mine);
    const bytes = Buffer.from(mine, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let cursor: unknown = whole;
      try {
        cursor = decodeCursor(scope, flipped.toString("base64url"));
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_QUERY" });
      }
      expect(cursor).toEqual(whole);
    }
  });

  test("cut at any place", () => {
    for (let length = 0; length < mine.length; length += 1) {
      expect(code(() => decodeCursor(scope, mine.slice(0, length)))).toBe("INVALID_QUERY");
    }
  });

  test("or anything else that is no cursor", () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string(), fc.json().map(toBase64)), (input) => {
        expect(code(() => decodeCursor(scope, input))).toBe("INVALID_QUERY");
      }),
    );
  });

  test("the refusal does not show the cursor", () => {
    expect(failureOf(() => decodeCursor(scope, toBase64("secret"))).message).not.toContain("secret");
  });
});

describe("a recomputed digest buys nothing: positions are believed only in the shape we give them", () => {
  test("the forger's tool itself works", () => {
    expect(
      decodeCursor(
        scope,
        forge([
          [2, 5],
          [4, "notes:1"],
        ]),
      ),
    ).toHaveLength(2);
  });

  test.each<[string, unknown]>([
    [
      "a rank that does not exist",
      [
        [6, null],
        [4, "notes:1"],
      ],
    ],
    [
      "a rank by name",
      [
        ["number", 5],
        [4, "notes:1"],
      ],
    ],
    [
      "a number that is text",
      [
        [2, "5; DROP"],
        [4, "notes:1"],
      ],
    ],
    [
      "an integer of more than 64 bits",
      [
        [2, "9999999999999999999"],
        [4, "notes:1"],
      ],
    ],
    ["a number beyond all", '[[2,1e999],[4,"notes:1"]]'],
    [
      "a date beyond all",
      [
        [3, 1e99],
        [4, "notes:1"],
      ],
    ],
    [
      "a date that is text",
      [
        [3, "2020-01-01"],
        [4, "notes:1"],
      ],
    ],
    [
      "a boolean that is none",
      [
        [1, 1],
        [4, "notes:1"],
      ],
    ],
    [
      "a null that is none",
      [
        [0, 1],
        [4, "notes:1"],
      ],
    ],
    [
      "a text that is an object",
      [
        [4, { a: 1 }],
        [4, "notes:1"],
      ],
    ],
    ["a text with a lone surrogate", '[[4,"\\ud800"],[4,"notes:1"]]'],
    [
      "an id of another collection",
      [
        [2, 5],
        [4, "users:1"],
      ],
    ],
    [
      "an id that is none",
      [
        [2, 5],
        [4, "notes"],
      ],
    ],
    [
      "an id that is a number",
      [
        [2, 5],
        [2, 1],
      ],
    ],
    ["too few positions", [[4, "notes:1"]]],
    [
      "too many positions",
      [
        [2, 5],
        [2, 5],
        [4, "notes:1"],
      ],
    ],
    ["no positions", []],
    ["positions that are an object", { length: 2 }],
    ["a position that is a number", [5, [4, "notes:1"]]],
    ["a position that is null", [null, [4, "notes:1"]]],
  ])("%s", (_name, positions) => {
    expect(code(() => decodeCursor(scope, forge(positions)))).toBe("INVALID_QUERY");
  });

  test("a version to come", () => {
    expect(
      code(() =>
        decodeCursor(
          scope,
          forge(
            [
              [2, 5],
              [4, "notes:1"],
            ],
            2,
          ),
        ),
      ),
    ).toBe("INVALID_QUERY");
  });

  test("a nest of arrays deeper than the stack is refused like the rest", () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const text = toBase64(`[1,"x",[[2,5],${deep}]]`);
    expect(code(() => decodeCursor(scope, text))).toBe("INVALID_QUERY");
  });
});

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64url");
}
