import {
  type DatabaseService,
  type Fields,
  type Filter,
  mapConcurrent,
  type Path,
  type Row,
  type Value,
} from "@db/core";

const MAX = 2n ** 63n - 1n;

/** Values of every type and the neighbours that a translation confuses. */
export const diverseValues: readonly Value[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2,
  9,
  10,
  1.5,
  -1.5,
  0.1,
  5e-324,
  1e300,
  -1e300,
  Number.MAX_SAFE_INTEGER,
  9_007_199_254_740_993n,
  MAX,
  -MAX - 1n,
  new Date(0),
  new Date(-1),
  new Date("2024-02-29T12:00:00.123Z"),
  new Date("2024-02-29T12:00:00.124Z"),
  new Date("9999-12-31T23:59:59.999Z"),
  "",
  " ",
  "0",
  "1",
  "10",
  "9",
  "A",
  "B",
  "Z",
  "a",
  "ab",
  "abc",
  "b",
  "z",
  "é",
  "e\u0301",
  "ß",
  "true",
  "null",
  "2024-02-29T12:00:00.123Z",
  "a%b_c",
  "a'b\"c`d\\",
  "\ufffd",
  "\uffff",
  "😀",
  Uint8Array.of(),
  Uint8Array.of(1, 2),
  [],
  [1],
  [1, 2],
  [2, 1],
  ["a"],
  [null],
  [[1]],
  [true, "a", new Date(0)],
  ["ab", 10],
  {},
  { a: 1 },
  { a: 1, b: 2 },
  { a: { b: 1 } },
];

/** Where the rows below hold a value: at the top, nested, and in a field that few rows have. */
export const diversePaths: readonly Path[] = ["v", ["nested", "v"], "rare"];

/** One record for each value and one without; every third has another in `rare`; `tie` has few values. */
export function diverseRows(collection: string): readonly Row[] {
  const count = diverseValues.length;
  return [...diverseValues, undefined].map((value, index): Row => {
    const fields: { [field: string]: Value } = { n: index, tie: ["x", "y", null, 1][index % 4] ?? null };
    if (value !== undefined) {
      fields.v = value;
      fields.nested = { v: value };
    }
    if (index % 3 === 0) fields.rare = diverseValues[(index * 7) % count] ?? null;
    // The ids do not stand in the order of the values.
    return { ...fields, id: `${collection}:${String((index * 37) % 101).padStart(3, "0")}` };
  });
}

export async function createRows(db: DatabaseService, collection: string, rows: readonly Row[]): Promise<void> {
  await mapConcurrent(rows, ({ id, ...data }: Row) => db.create(collection, data as Fields, { id }), {
    concurrency: 4,
  });
}

/** The same numbers for the same seed (mulberry32): a mismatch is found again by the next run. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A filter of up to `depth` levels over the rows above. */
export function randomFilter(random: (below: number) => number, depth: number): Filter {
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const path = [pick(diversePaths)].flat();
  switch (random(depth > 0 ? 9 : 5)) {
    case 0:
      return { op: "in", path, values: Array.from({ length: random(5) }, () => pick(diverseValues)) };
    case 1:
      return { op: pick(["eq", "ne"]), path, value: pick(diverseValues) };
    case 2:
      return { op: "contains", path, value: pick(diverseValues) };
    case 3:
    case 4:
      return { op: pick(["lt", "lte", "gt", "gte"]), path, value: pick(comparableValues) };
    case 5:
      return { op: "not", filter: randomFilter(random, depth - 1) };
    default:
      return {
        op: pick(["and", "or"]),
        filters: Array.from({ length: random(4) }, () => randomFilter(random, depth - 1)),
      };
  }
}

/** What `lt`, `lte`, `gt` and `gte` take. */
export const comparableValues: readonly Value[] = diverseValues.filter(
  (value) => ["boolean", "number", "bigint", "string"].includes(typeof value) || value instanceof Date,
);
