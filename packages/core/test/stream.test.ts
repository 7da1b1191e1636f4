import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eq, type Page, type Query, type Row, stream } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, rejection } from "./support/service.ts";

checkLeaksAfterEach();

const id = (index: number): string => `notes:${String(index).padStart(4, "0")}`;

async function open(count: number) {
  const store = new MemoryStore();
  for (let index = 0; index < count; index += 1) store.rows.set(id(index), { id: id(index), odd: index % 2 === 1 });
  return { store, db: await connected(store.parts()) };
}

async function collect(rows: AsyncIterable<Row>): Promise<string[]> {
  const ids: string[] = [];
  for await (const row of rows) ids.push(row.id);
  return ids;
}

describe("a stream", () => {
  test.each([1, 3, 7, 100, 10_000])("gives every row once and in order, in pages of %o", async (pageSize) => {
    const { db } = await open(7);
    expect(await collect(stream(db, "notes", {}, { pageSize }))).toEqual([0, 1, 2, 3, 4, 5, 6].map(id));
  });

  test("of nothing is empty", async () => {
    const { db } = await open(0);
    expect(await collect(stream(db, "notes"))).toEqual([]);
  });

  test("keeps filter, order and place", async () => {
    const { db } = await open(6);
    const query: Query = { where: eq("odd", true), order: [["id", "desc"]] };
    expect(await collect(stream(db, "notes", query, { pageSize: 1 }))).toEqual([5, 3, 1].map(id));
    const { next } = await db.find("notes", { limit: 4 });
    expect(await collect(stream(db, "notes", { after: next ?? "" }))).toEqual([4, 5].map(id));
  });

  test("fetches a page only when the one before is used up, and holds no more than one", async () => {
    const asked: Query[] = [];
    const db = {
      find: async (_collection: string, query: Query = {}): Promise<Page> => {
        asked.push(query);
        const items = Array.from({ length: query.limit ?? 0 }, (_, index) => ({ id: id(index) }));
        return { items, next: `page-${asked.length}` };
      },
    };
    const rows = stream(db, "notes", {}, { pageSize: 2 });
    expect(asked).toHaveLength(0);
    for (const expected of [1, 1, 2, 2, 3]) {
      await rows.next();
      expect(asked).toHaveLength(expected);
    }
    expect(asked).toEqual([{ limit: 2 }, { limit: 2, after: "page-1" }, { limit: 2, after: "page-2" }]);
    await rows.return();
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    expect(asked).toHaveLength(3);
  });

  test("stops fetching when the loop is left, by break or by an exception", async () => {
    const { db, store } = await open(10);
    for await (const _row of stream(db, "notes", {}, { pageSize: 2 })) break;
    const mine = new Error("mine");
    const failing = async (): Promise<void> => {
      for await (const _row of stream(db, "notes", {}, { pageSize: 2 })) throw mine;
    };
    expect(await rejection(failing())).toBe(mine);
    expect(store.log).toEqual(["find", "find"]);
  });

  test("can be thrown into, and is over then", async () => {
    const { db } = await open(10);
    const rows = stream(db, "notes", {}, { pageSize: 2 });
    await rows.next();
    const mine = new Error("mine");
    expect(await rejection(rows.throw(mine))).toBe(mine);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  test("ends with the error of the page that failed, and with the caller's signal", async () => {
    const { db } = await open(4);
    const controller = new AbortController();
    const rows = stream(db, "notes", {}, { pageSize: 2, signal: controller.signal });
    await rows.next();
    await rows.next();
    controller.abort("enough");
    expect(await failure(rows.next())).toMatchObject({ code: "CANCELLED", cause: "enough" });
    expect(await failure(stream(db, "no tes").next())).toMatchObject({ code: "INVALID_QUERY" });
  });

  test("gives every row that was there throughout exactly once, whatever others do meanwhile", {
    timeout: 30_000,
  }, async () => {
    const changes = fc.array(
      fc.record({
        at: fc.nat({ max: 30 }),
        key: fc.nat({ max: 60 }),
        kind: fc.constantFrom("create", "delete", "update"),
      }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(changes, fc.integer({ min: 1, max: 9 }), async (all, pageSize) => {
        const { db, store } = await open(30);
        const throughout = new Set(store.rows.keys());
        const seen: string[] = [];
        for await (const row of stream(db, "notes", {}, { pageSize })) {
          for (const change of all.filter((one) => one.at === seen.length)) {
            const target = id(change.key);
            if (change.kind === "delete") {
              store.rows.delete(target);
              throughout.delete(target);
            } else store.rows.set(target, { id: target, odd: false });
          }
          seen.push(row.id);
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toEqual(seen.toSorted());
        for (const one of throughout) expect(seen).toContain(one);
      }),
    );
  });
});
