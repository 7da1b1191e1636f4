import { createDatabase, DatabaseErrorOf, type DatabaseService, type Layer, override } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { ReadCache, type ReadCacheOptions } from "./read-cache.ts";

async function connected(options?: ReadCacheOptions) {
  const mock = new MockDatabase({ capabilities: { queryLanguage: true }, onQuery: () => [] });
  const cache = new ReadCache(options);
  const db = createDatabase({ driver: mock, layers: [cache.layer] });
  onTestFinished(() => db.disconnect());
  await db.connect();
  await db.create("notes", { title: "Milk" }, { id: "notes:1" });
  await db.read("notes:1");
  const reads = () => mock.calls.filter(({ kind }) => kind === "read").length;
  return { mock, cache, db, reads };
}

test("a record is read once while it is young, and each caller gets a copy of its own", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const { db, cache, reads } = await connected({ maxAgeMs: 1_000 });
  const row = await db.read("notes:1");
  Object.assign(row ?? {}, { title: "changed by its caller" });
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", title: "Milk" });
  expect([reads(), cache.hits]).toEqual([1, 2]);
  vi.advanceTimersByTime(1_000);
  await db.read("notes:1");
  expect(reads()).toBe(2);
});

test.each<[string, (db: DatabaseService) => Promise<unknown>]>([
  ["an update", (db) => db.update("notes:1", { title: "Bread" })],
  ["a transaction", (db) => db.transaction((tx) => tx.update("notes:1", { title: "Bread" }))],
  ["a query that may write", (db) => db.query("X")],
])("what %s may have changed is read again", async (_name, write) => {
  const { db, reads } = await connected();
  await write(db);
  await db.read("notes:1");
  expect(reads()).toBe(2);
});

test("so is what a write of unknown outcome may have changed", async () => {
  const { db, mock } = await connected();
  const lost = new DatabaseErrorOf("CONNECTION_FAILED", "lost", {});
  mock.failNext(lost, { kind: "update", when: "after" });
  await expect(db.update("notes:1", { title: "Bread" })).rejects.toMatchObject({ effect: "unknown" });
  expect((await db.read("notes:1"))?.title).toBe("Bread");
});

test("a slow read does not put back what a write has changed meanwhile", async () => {
  const found = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const slowReads: Layer = (next) =>
    override(next, {
      read: async (operation, context) => {
        const row = await next(operation, context);
        found.resolve();
        await answered.promise;
        return row;
      },
    });
  await using db = createDatabase({ driver: new MockDatabase(), layers: [new ReadCache().layer, slowReads] });
  await db.connect();
  await db.create("notes", { title: "old" }, { id: "notes:1" });
  const slow = db.read("notes:1");
  await found.promise;
  await db.update("notes:1", { title: "new" });
  answered.resolve();
  expect((await slow)?.title).toBe("old");
  expect((await db.read("notes:1"))?.title).toBe("new");
});

test("tenants do not see each other's records", async () => {
  const { db } = await connected();
  const tenant = db.withScope({ namespace: "tenants", database: "ann" });
  expect(await tenant.read("notes:1")).toBeUndefined();
});

test("no more is held than was allowed", async () => {
  const { db, reads } = await connected({ maxRecords: 1 });
  await db.create("notes", {}, { id: "notes:2" });
  for (const id of ["notes:2", "notes:1"]) await db.read(id);
  expect(reads()).toBe(3);
});

test("wrong and unknown options are refused", () => {
  expect(() => new ReadCache({ maxAgeMs: 0 })).toThrow(TypeError);
  expect(() => new ReadCache({ maxAge: 1 } as object)).toThrow(TypeError);
});
