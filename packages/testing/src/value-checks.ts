import assert from "node:assert/strict";
import type { Statements, Value } from "@db/core";
import { isStored, rejects, show } from "./assertions.ts";

/** Each value, on its own, nested and in an array, through create and through update. */
export async function keeps(db: Statements, collection: string, all: readonly Value[]): Promise<void> {
  for (const value of all) {
    const data = { value, nested: { value }, list: [value] };
    const { id } = await db.create(collection, data);
    await isStored(db, id, data);
    await db.update(id, { value: "other", again: value });
    await db.update(id, { value }, { mode: "merge" });
    await isStored(db, id, { ...data, again: value });
  }
}

/** Each value at the top, nested and in an array, in every method that takes one; and nothing was written. */
export async function refuses(db: Statements, collection: string, all: readonly unknown[]): Promise<void> {
  const { id } = await db.create(collection, { n: 1 });
  const count = await db.count(collection);
  for (const wrong of all) {
    const value = wrong as Value;
    const what = `the value ${show(wrong)}`;
    await rejects(db.create(collection, { value }), "VALIDATION_FAILED", { what });
    await rejects(db.create(collection, { nested: { list: [value] } }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { value }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { value }, { mode: "replace" }), "VALIDATION_FAILED", { what });
    await rejects(db.update(id, { n: 2 }, { expect: { value } }), "VALIDATION_FAILED", { what });
    await rejects(db.delete(id, { expect: { value } }), "VALIDATION_FAILED", { what });
    await rejects(db.find(collection, { where: { op: "eq", path: ["n"], value } }), "INVALID_QUERY", { what });
  }
  await isStored(db, id, { n: 1 });
  assert.equal(await db.count(collection), count);
}
