import { describe, expect, test } from "vitest";
import { medianOf, type Results } from "./results.ts";

const machine = { node: "v24.0.0", cpu: "one", cores: 2 };

function run(p50: number, actual: number, extra: object = {}): Results {
  return {
    name: "made",
    machine,
    rows: [{ name: "read", p50, ...extra }],
    goals: [{ what: "p50", actual, limit: 10, unit: "ms", held: actual <= 10 }],
  };
}

describe("the median of several runs", () => {
  test("is that of each figure, beside its range", () => {
    expect(medianOf([run(9, 1), run(1, 9), run(5, 50), run(4, 4), run(6, 7)])).toEqual({
      name: "made",
      machine,
      runs: 5,
      rows: [{ name: "read", p50: 5 }],
      goals: [{ what: "p50", actual: 7, limit: 10, unit: "ms", held: true, range: [1, 50] }],
    });
  });

  test("judges a goal anew", () => {
    const { goals } = medianOf([run(1, 5), run(1, 11), run(1, 12)]);
    expect(goals[0]).toMatchObject({ actual: 11, held: false });
  });

  test("of an even number of runs is one that was measured", () => {
    expect(medianOf([run(1, 1), run(4, 2)]).rows).toEqual([{ name: "read", p50: 1 }]);
  });

  test("of one run is that run", () => {
    expect(medianOf([run(3, 3)])).toEqual(run(3, 3));
  });

  test("keeps what is no number in every run as it is in the first", () => {
    const rows = medianOf([run(1, 1, { at: "a" }), run(1, 1, { at: 2 }), run(1, 1, { at: 3 })]).rows;
    expect(rows).toEqual([{ name: "read", p50: 1, at: "a" }]);
  });

  test("of runs that measured something else is refused, and of none", () => {
    expect(() => medianOf([run(1, 1), { ...run(1, 1), rows: [] }])).toThrow(
      "expected each run of made to have the same",
    );
    expect(() => medianOf([run(1, 1), run(1, 1, { more: 1 })])).toThrow("expected each run of made to have the same");
    expect(() => medianOf([])).toThrow("expected at least one run, got none");
  });
});
