import { describe, expect, test } from "vitest";
import { and, eq, type Filter, not, planQuery, type Query, type Value } from "../src/index.ts";
import { failureOf } from "./support/service.ts";

const nest = (depth: number): Filter => (depth <= 1 ? eq("a", 1) : not(nest(depth - 1)));
const plan = (query: unknown) => planQuery("notes", query as Query);

describe("what is left out", () => {
  test("gets its default, and the id is always the last key", () => {
    expect(plan(undefined)).toEqual({
      where: undefined,
      order: [{ path: ["id"], direction: "asc" }],
      limit: 100,
      after: undefined,
    });
  });

  test("after the id nothing orders any more", () => {
    const query = {
      order: [
        ["id", "desc"],
        ["a", "asc"],
      ],
    };
    expect(plan(query).order).toEqual([{ path: ["id"], direction: "desc" }]);
  });

  test("a field of an object that is called id is not the id", () => {
    expect(plan({ order: [[["a", "id"], "asc"]] }).order).toHaveLength(2);
  });
});

describe("what is refused, with INVALID_QUERY and what was expected", () => {
  test.each<[string, unknown, string]>([
    ["null for a query", null, "a query object"],
    ["a list for a query", [], "a query object"],
    ["an unknown key", { limt: 5 }, 'where, order, limit or after, not "limt"'],
    ["a limit of 0", { limit: 0 }, "limit to be an integer in 1..10000"],
    ["a limit that is null", { limit: null }, "limit to be an integer in 1..10000"],
    ["an order that is null", { order: null }, "order to be an array of at most 8 pairs"],
    ["a limit above the most", { limit: 10_001 }, "limit to be an integer in 1..10000"],
    ["half a row", { limit: 1.5 }, "limit to be an integer in 1..10000"],
    ["a limit as text", { limit: "5" }, "limit to be an integer in 1..10000"],
    ["an order that is no list", { order: "a" }, "order to be an array of at most 8 pairs"],
    ["nine order keys", { order: Array(9).fill(["a", "asc"]) }, "order to be an array of at most 8 pairs"],
    ["an order key without direction", { order: [["a"]] }, 'pairs like ["createdAt", "desc"]'],
    ["an order key as text", { order: ["a"] }, 'pairs like ["createdAt", "desc"]'],
    ["another direction", { order: [["a", "ASC"]] }, 'a direction "asc" or "desc"'],
    ["an order by no path", { order: [[[], "asc"]] }, "a path of 1..32 field names"],
    ["an order by a number", { order: [[5, "asc"]] }, "a path of 1..32 field names"],
    ["an order by an empty name", { order: [["", "asc"]] }, "non-empty"],
    ["a filter that is null", { where: null }, "a filter"],
    ["a filter that is text", { where: "a = 1" }, "a filter"],
    ["an operator that does not exist", { where: { op: "like", path: ["a"], value: "%" } }, 'a filter with "op" eq'],
    ["an operator of the prototype", { where: { op: "constructor" } }, 'a filter with "op" eq'],
    ["a path that is text", { where: { op: "eq", path: "a", value: 1 } }, "a path of 1..32 field names"],
    ["a path with a number", { where: { op: "eq", path: ["a", 0], value: 1 } }, "a path of 1..32 field names"],
    ["a path with NUL", { where: eq("a\0", 1) }, "without NUL"],
    ["a path of 33 names", { where: eq(Array(33).fill("a"), 1) }, "a path of 1..32 field names"],
    ["a value that is missing", { where: { op: "eq", path: ["a"] } }, "a portable value"],
    ["a value that is no value", { where: eq("a", (() => {}) as never) }, "a portable value"],
    ["NaN", { where: eq("a", Number.NaN) }, "a finite number"],
    ["NaN to compare with", { where: { op: "lt", path: ["a"], value: Number.NaN } }, "a finite number"],
    [
      "null to compare with",
      { where: { op: "lt", path: ["a"], value: null } },
      'a boolean, number, string or date in "lt"',
    ],
    ["an array to compare with", { where: { op: "gte", path: ["a"], value: [1] } }, 'in "gte"'],
    ["in without values", { where: { op: "in", path: ["a"], value: 1 } }, 'an array of values in "in"'],
    ["in with a value that is none", { where: { op: "in", path: ["a"], values: [undefined] } }, "a portable value"],
    ["and without filters", { where: { op: "and", filters: eq("a", 1) } }, 'an array of filters in "and"'],
    ["not without a filter", { where: { op: "not" } }, "a filter"],
    ["a filter 13 deep", { where: nest(13) }, "at most 1000 conditions, 12 deep"],
    ["1,001 conditions", { where: and(...Array(1_000).fill(eq("a", 1))) }, "at most 1000 conditions, 12 deep"],
    ["a cursor that is null", { after: null }, "the cursor to be"],
  ])("%s", (_name, query, expected) => {
    const error = failureOf(() => plan(query));
    expect(error).toMatchObject({ code: "INVALID_QUERY", effect: "none", retryable: false });
    expect(error.message).toContain(expected);
  });

  test.each([["no tes"], [""], ["notes; DROP TABLE x"], ["1a"], ["a".repeat(64)], [undefined], [{}]])(
    "the collection %o",
    (collection) => {
      expect(failureOf(() => planQuery(collection as string)).code).toBe("INVALID_QUERY");
    },
  );

  test("a filter that contains itself", () => {
    const cycle: { op: "not"; filter?: unknown } = { op: "not" };
    cycle.filter = cycle;
    expect(failureOf(() => plan({ where: cycle })).code).toBe("INVALID_QUERY");
  });

  test("an adapter's own value may stand in a filter of who owns it", () => {
    class Point {}
    const where = eq("at", new Point() as never);
    expect(failureOf(() => plan({ where })).code).toBe("INVALID_QUERY");
    expect(planQuery("notes", { where }, (value) => value instanceof Point).where).toEqual(where);
  });

  test("the text of a value never stands in the message", () => {
    const long = { op: "lt", path: ["a"], value: { constructor: { name: "secret" } } as unknown as Value };
    expect(failureOf(() => plan({ where: long })).message).not.toContain("secret");
  });

  test("the limits themselves are taken", () => {
    plan({ limit: 10_000, where: and(nest(11), ...Array(988).fill(eq("a", 1))) });
  });
});
