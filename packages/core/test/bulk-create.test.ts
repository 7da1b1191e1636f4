import { describe, expect, test } from "vitest";
import { type BulkItem, bulkCreate, type DatabaseService } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure } from "./support/service.ts";

checkLeaksAfterEach();

const items = (...keys: string[]): BulkItem[] => keys.map((key) => ({ id: `notes:${key}`, data: { key } }));

async function open() {
  const store = new MemoryStore();
  return { store, db: await connected(store.parts()) };
}

describe("bulkCreate", () => {
  test("creates all, the outcomes in the order of the items", async () => {
    const { db, store } = await open();
    const outcomes = await bulkCreate(db, "notes", [...items("b", "a"), { data: { key: "new" } }]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["done", "done", "done"]);
    expect(outcomes[1]).toMatchObject({ result: { id: "notes:a", status: "committed" } });
    expect([...store.rows.values()].map((row) => row.key)).toEqual(["b", "a", "new"]);
  });

  test("tells each failure beside the successes", async () => {
    const { db, store } = await open();
    const outcomes = await bulkCreate(db, "notes", [...items("a", "a", "b"), { id: "users:1", data: {} }]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["done", "failed", "done", "failed"]);
    expect(outcomes[1]).toMatchObject({ error: { code: "ALREADY_EXISTS" } });
    expect(outcomes[3]).toMatchObject({ error: { code: "INVALID_RECORD_ID" } });
    expect(store.rows.size).toBe(2);
  });

  test("with stopOnError starts no more after a failure and says what it skipped", async () => {
    const { db, store } = await open();
    const outcomes = await bulkCreate(db, "notes", items("a", "a", "b", "c"), { stopOnError: true, concurrency: 1 });
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["done", "failed", "skipped", "skipped"]);
    expect(store.rows.size).toBe(1);
  });

  test("after an abort resolves all the same: what was not tried is skipped", async () => {
    const { db } = await open();
    const controller = new AbortController();
    const aborting: Pick<DatabaseService, "create" | "transaction"> = {
      create: (collection, data, options) => {
        if (data.key === "b") controller.abort();
        return db.create(collection, data, options);
      },
      transaction: db.transaction.bind(db),
    };
    const { signal } = controller;
    const outcomes = await bulkCreate(aborting, "notes", items("a", "b", "c"), { signal, concurrency: 1 });
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["done", "failed", "skipped"]);
    expect(outcomes[1]).toMatchObject({ error: { code: "CANCELLED" } });
    expect(await bulkCreate(db, "notes", items("d"), { signal })).toEqual([{ status: "skipped" }]);
  });

  test("runs no more at a time than was said", async () => {
    const { db } = await open();
    let running = 0;
    let most = 0;
    const counting: Pick<DatabaseService, "create" | "transaction"> = {
      create: async (...given) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return db.create(...given);
      },
      transaction: db.transaction.bind(db),
    };
    await bulkCreate(counting, "notes", items(..."abcdefghijkl"), { concurrency: 3 });
    expect(most).toBe(3);
  });
});

describe("under atomic", () => {
  test("all are created in one transaction", async () => {
    const { db, store } = await open();
    const outcomes = await bulkCreate(db, "notes", items("a", "b"), { atomic: true, timeoutMs: 1_000 });
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["done", "done"]);
    expect(store.log).toEqual(["begin", "create", "create", "commit"]);
  });

  test("or none is, and the promise rejects with the failure", async () => {
    const { db, store } = await open();
    expect(await failure(bulkCreate(db, "notes", items("a", "b", "a"), { atomic: true }))).toMatchObject({
      code: "ALREADY_EXISTS",
      facts: { id: "notes:a" },
    });
    expect(store.rows.size).toBe(0);
    expect(store.log.at(-1)).toBe("rollback");
  });

  test("without transactions is UNSUPPORTED, and nothing is created one by one", async () => {
    const store = new MemoryStore();
    const { begin: _begin, ...parts } = store.parts();
    const db = await connected(parts);
    expect(await failure(bulkCreate(db, "notes", items("a"), { atomic: true }))).toMatchObject({ code: "UNSUPPORTED" });
    const createOnly = { create: db.create.bind(db) } as never;
    expect(await failure(bulkCreate(createOnly, "notes", items("a"), { atomic: true }))).toMatchObject({
      code: "UNSUPPORTED",
    });
    expect(store.rows.size).toBe(0);
  });
});
