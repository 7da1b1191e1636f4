import assert from "node:assert/strict";
import { mapConcurrent, type Page } from "@db/core";
import { show } from "./assertions.ts";
import type { CaseContext } from "./conformance-case.ts";

/** Rows whose ids and `n` ascend together; `group` has three values. */
export async function fill({ db, collection }: CaseContext, count: number): Promise<readonly string[]> {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const id = (n: number): string => `${collection}:${String(n).padStart(4, "0")}`;
  await mapConcurrent(numbers, (n) => db.create(collection, { n, group: n % 3 }, { id: id(n) }), { concurrency: 4 });
  return numbers.map(id);
}

export function cursorOf(page: Page): string {
  if (page.next === null) assert.fail(`expected the page to have a next, it ended at ${show(page.items.at(-1)?.id)}`);
  return page.next;
}
