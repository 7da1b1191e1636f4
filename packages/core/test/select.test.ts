import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Page, pageOf, planQuery, type Query, type Row, selectPage } from "../src/index.ts";
import { comparePositionLists, comparePositions, type Position, positionOf, positionsOf, RANK } from "../src/order.ts";
import { common, filter, order, rows, value } from "./support/arbitraries.ts";

const sign = (a: Position, b: Position): number => Math.sign(comparePositions(a, b));

/** All pages of a query, as a client follows them. */
function pages(all: readonly Row[], query: Query): Page[] {
  const found: Page[] = [];
  let after: string | null = null;
  do {
    const page: Page = selectPage(all, "notes", planQuery("notes", after === null ? query : { ...query, after }));
    found.push(page);
    after = page.next;
  } while (after !== null);
  return found;
}

describe("the order of values is a total preorder", () => {
  const any = fc.oneof(common, value).map(positionOf);

  test("each is level with itself", () => {
    fc.assert(
      fc.property(any, (a) => {
        expect(sign(a, a)).toBe(0);
      }),
    );
  });

  test("whichever way two are compared, the answer is the same", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(sign(a, b) + sign(b, a)).toBe(0);
      }),
    );
  });

  test("it is transitive", () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        if (sign(a, b) <= 0 && sign(b, c) <= 0) expect(sign(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test("missing and null come first, then booleans, numbers, dates, strings, and all else is tied at the end", () => {
    const values = [undefined, null, false, true, -1, 2n, new Date(0), "", "a", [1], { a: 1 }, Uint8Array.of(1)];
    const positions = values.map(positionOf);
    expect(positions.toSorted(comparePositions)).toEqual(positions);
    expect(comparePositions(positionOf([1]), positionOf({ a: 1 }))).toBe(0);
    expect(comparePositions(positionOf(null), positionOf(undefined))).toBe(0);
    expect(positionOf(() => {}).rank).toBe(RANK.other);
  });
});

describe("pages", () => {
  test("together they are the whole: no row twice, none left out, all in order, whatever the limit", () => {
    fc.assert(
      fc.property(
        rows,
        order,
        fc.option(filter, { nil: undefined }),
        fc.integer({ min: 1, max: 30 }),
        (all, by, where, limit) => {
          const query: Query = where === undefined ? { order: by } : { order: by, where };
          const plan = planQuery("notes", { ...query, limit: 10_000 });
          const whole = selectPage(all, "notes", plan);
          const parts = pages(all.toReversed(), { ...query, limit });
          expect(parts.flatMap((page) => page.items)).toEqual(whole.items);
          expect(parts.slice(0, -1).every((page) => page.items.length === limit)).toBe(true);
          const places = whole.items.map((row) => positionsOf(row, plan.order));
          for (const [index, place] of places.slice(1).entries()) {
            expect(comparePositionLists(places[index] ?? [], place, plan.order)).toBeLessThan(0);
          }
        },
      ),
    );
  });

  test("a page that takes the last row says there is no next", () => {
    const all: Row[] = [{ id: "notes:1" }, { id: "notes:2" }];
    expect(selectPage(all, "notes", planQuery("notes", { limit: 2 })).next).toBeNull();
    expect(selectPage(all, "notes", planQuery("notes", { limit: 1 })).next).toEqual(expect.any(String));
    expect(selectPage([], "notes", planQuery("notes"))).toEqual({ items: [], next: null });
  });

  test("pageOf takes one row more than the limit as the sign of a next page, and leaves it out", () => {
    const plan = planQuery("notes", { limit: 1 });
    const page = pageOf("notes", plan, [{ id: "notes:1" }, { id: "notes:2" }]);
    expect(page.items).toEqual([{ id: "notes:1" }]);
    expect(planQuery("notes", { limit: 1, after: page.next ?? "" }).after).toEqual([
      { rank: RANK.string, value: "notes:1" },
    ]);
  });

  test("a row that is deleted between two pages leaves no gap", () => {
    const all: Row[] = ["1", "2", "3", "4"].map((key) => ({ id: `notes:${key}` }));
    const first = selectPage(all, "notes", planQuery("notes", { limit: 2 }));
    const rest = all.filter((row) => row.id !== "notes:2");
    const second = selectPage(rest, "notes", planQuery("notes", { limit: 2, after: first.next ?? "" }));
    expect(second.items.map((row) => row.id)).toEqual(["notes:3", "notes:4"]);
  });
});
