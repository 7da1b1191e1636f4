import { type DatabaseService, type Fields, mapConcurrent, type Path, type Row, type Value } from "@db/core";

import { diverseValues } from "./diverse-values.ts";

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
