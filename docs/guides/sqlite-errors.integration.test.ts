import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDatabase, type DatabaseService } from "@db/core";
import { expect, onTestFinished, test } from "vitest";
import { sqlite } from "./sqlite-driver.ts";
import { fromSqlite } from "./sqlite-errors.ts";

function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "db-sqlite-errors-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "it.db");
}

async function connected(path = freshPath()): Promise<DatabaseService> {
  const db = createDatabase({ driver: sqlite({ path }) });
  onTestFinished(() => db.disconnect());
  await db.connect();
  await db.query("CREATE TABLE IF NOT EXISTS tags (name TEXT UNIQUE NOT NULL, n INTEGER CHECK (n > 0)) STRICT");
  return db;
}

const add = "INSERT INTO tags VALUES ($name, $n)";

test.each<[string, (db: DatabaseService) => Promise<unknown>, object]>([
  ["no SQL", (db) => db.query("this is none"), { code: "INVALID_QUERY" }],
  ["two statements", (db) => db.query("SELECT 1; SELECT 2"), { code: "INVALID_QUERY" }],
  ["a parameter that it has not", (db) => db.query("SELECT 1", { x: 1 }), { code: "INVALID_QUERY" }],
  ["a parameter that SQLite has not", (db) => db.query("SELECT $x", { x: true }), { code: "VALIDATION_FAILED" }],
  ["its end of our transaction", (db) => db.transaction((tx) => tx.query("COMMIT")), { code: "UNSUPPORTED" }],
  ["a PRAGMA", (db) => db.query("PRAGMA synchronous = OFF"), { code: "UNSUPPORTED" }],
  [
    "a write that says it reads",
    (db) => db.query("DELETE FROM tags", {}, { access: "read" }),
    { code: "PERMISSION_DENIED" },
  ],
  [
    "a value twice",
    (db) => db.query(add, { name: "secret", n: 1 }),
    { code: "UNIQUE_VIOLATION", facts: { index: "tags.name" } },
  ],
  ["no value", (db) => db.query(add, { name: null, n: 1 }), { code: "FIELD_VIOLATION", facts: { field: "tags.name" } }],
  ["a CHECK", (db) => db.query(add, { name: "b", n: 0 }), { code: "FIELD_VIOLATION" }],
])("%s: what a query gets, without effect and without a value in the message", async (_name, run, expected) => {
  const db = await connected();
  await db.query(add, { name: "secret", n: 1 });
  const error = await run(db).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toMatchObject({ ...expected, effect: "none" });
  expect(error?.message).not.toContain("secret");
  expect(await db.query("SELECT count(*) AS n FROM tags", {}, { access: "read" })).toEqual([{ n: 1 }]);
});

test("the write lock of another connection is CONFLICT without effect, and the next try works", async () => {
  const path = freshPath();
  const db = await connected(path);
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await expect(db.create("notes", {})).rejects.toMatchObject({ code: "CONFLICT", effect: "none", retryable: true });
  other.exec("ROLLBACK");
  await db.create("notes", {});
  expect(await db.count("notes")).toBe(1);
});

test("who gives up behind a transaction has written nothing and holds up nobody", async () => {
  const db = await connected();
  const { promise, resolve } = Promise.withResolvers<void>();
  const transaction = db.transaction(async (tx) => {
    await tx.create("notes", { by: "transaction" });
    await promise;
  });
  await expect(db.create("notes", { by: "late" }, { timeoutMs: 20 })).rejects.toMatchObject({
    code: "QUERY_TIMEOUT",
    effect: "none",
  });
  const next = db.create("notes", { by: "next" });
  resolve();
  await Promise.all([transaction, next]);
  expect((await db.find("notes")).items.map(({ by }) => by).toSorted()).toEqual(["next", "transaction"]);
});

test("a file that is no database is STORAGE_DAMAGED, one that cannot be made STORAGE_FAILED", async () => {
  const path = freshPath();
  writeFileSync(path, "no database, but long enough to be looked at as one");
  await expect(connected(path)).rejects.toMatchObject({ code: "STORAGE_DAMAGED", facts: { path } });
  await expect(connected(join(path, "below"))).rejects.toMatchObject({ code: "STORAGE_FAILED" });
});

test.each([
  ["a busy commit", 5, "CONFLICT", "none"],
  ["a full disk", 13, "STORAGE_FAILED", "none"],
  ["a sync that failed", 10 | (4 << 8), "STORAGE_FAILED", "unknown"],
  ["a damaged page", 11, "STORAGE_DAMAGED", "unknown"],
  ["a code that nobody knows", 99, "INTERNAL", "unknown"],
])("in a commit %s tells what became of the data", (_name, errcode, code, effect) => {
  const thrown = Object.assign(new Error("text"), { code: "ERR_SQLITE_ERROR", errcode });
  expect(fromSqlite(thrown, "it.db", "commit")).toMatchObject({ code, effect, cause: thrown });
});
