import { describe, expect, test } from "vitest";
import type { DatabaseService } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, rejection, service } from "./support/service.ts";

checkLeaksAfterEach();

type Call = (db: DatabaseService) => Promise<unknown>;

describe("wrong input is refused before the driver sees it", () => {
  test.each<[string, Call, string]>([
    ["a collection that is none", (db) => db.create("no tes", {}), "INVALID_QUERY"],
    ["an id that is none", (db) => db.read("notes"), "INVALID_RECORD_ID"],
    ["an id of another collection", (db) => db.create("notes", {}, { id: "users:1" }), "INVALID_RECORD_ID"],
    ["data that is a list", (db) => db.create("notes", [] as never), "VALIDATION_FAILED"],
    ["data that is null", (db) => db.update("notes:1", null as never), "VALIDATION_FAILED"],
    ["data with another id", (db) => db.update("notes:1", { id: "notes:2" }), "VALIDATION_FAILED"],
    ["a field without a name", (db) => db.create("notes", { "": 1 }), "VALIDATION_FAILED"],
    ["a value that is none", (db) => db.create("notes", { a: new Map() as never }), "VALIDATION_FAILED"],
    [
      "an inner field that is undefined",
      (db) => db.create("notes", { a: { b: undefined as never } }),
      "VALIDATION_FAILED",
    ],
    ["a mode that does not exist", (db) => db.update("notes:1", {}, { mode: "upsert" as never }), "VALIDATION_FAILED"],
    ["an increment by text", (db) => db.update("notes:1", { a: "1" }, { mode: "increment" }), "VALIDATION_FAILED"],
    [
      "an increment by nothing",
      (db) => db.update("notes:1", { a: undefined }, { mode: "increment" }),
      "VALIDATION_FAILED",
    ],
    ["an expectation that is no object", (db) => db.delete("notes:1", { expect: [] as never }), "VALIDATION_FAILED"],
    [
      "an expectation of undefined",
      (db) => db.delete("notes:1", { expect: { a: undefined as never } }),
      "VALIDATION_FAILED",
    ],
    ["an empty query", (db) => db.query("  "), "VALIDATION_FAILED"],
    ["another access", (db) => db.query("X", {}, { access: "admin" as never }), "VALIDATION_FAILED"],
    ["a parameter with a space in its name", (db) => db.query("X", { "a b": 1 }), "VALIDATION_FAILED"],
    ["parameters that are a number", (db) => db.query("X", 5 as never), "VALIDATION_FAILED"],
    ["parameters that are null", (db) => db.query("X", null as never), "VALIDATION_FAILED"],
    ["a filter that is none", (db) => db.count("notes", { op: "like" } as never), "INVALID_QUERY"],
    ["work that is no function", (db) => db.transaction(5 as never), "VALIDATION_FAILED"],
    ["a collection to watch that is none", (db) => next(db.live("no tes")), "INVALID_QUERY"],
    ["a filter to watch by that is none", (db) => next(db.live("notes", { where: {} as never })), "INVALID_QUERY"],
  ])("%s", async (_name, call, code) => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    expect(await failure(call(db))).toMatchObject({ code, effect: "none" });
    expect(store.log).toEqual([]);
  });

  test.each<[string, Call]>([
    ["an unknown option", (db) => db.read("notes:1", { timeout: 5 } as never)],
    ["an option of another call", (db) => db.read("notes:1", { returning: true } as never)],
    ["options that are null", (db) => db.read("notes:1", null as never)],
    ["a timeout of 0", (db) => db.read("notes:1", { timeoutMs: 0 })],
    ["a timeout as text", (db) => db.read("notes:1", { timeoutMs: "5" as never })],
    ["a timeout beyond all timers", (db) => db.read("notes:1", { timeoutMs: 2 ** 31 })],
    ["a signal that is none", (db) => db.read("notes:1", { signal: {} as never })],
    ["an empty operation id", (db) => db.create("notes", {}, { operationId: "" })],
    ["an operation id with spaces", (db) => db.create("notes", {}, { operationId: "a b" })],
    ["an operation id of 129 characters", (db) => db.create("notes", {}, { operationId: "a".repeat(129) })],
    ["returning as text", (db) => db.create("notes", {}, { returning: "yes" as never })],
    ["no attempts", (db) => db.transaction(async () => {}, { maxAttempts: 0 })],
    ["101 attempts", (db) => db.transaction(async () => {}, { maxAttempts: 101 })],
    ["an unknown option of connect", (db) => db.connect({ wait: true } as never)],
    ["an unknown option of version", (db) => db.version({ wait: true } as never)],
    ["an unknown option of a live query", (db) => next(db.live("notes", { wait: 5 } as never))],
    ["a live query without a buffer", (db) => next(db.live("notes", { bufferSize: 0 }))],
    ["a live query with a buffer as text", (db) => next(db.live("notes", { bufferSize: "5" as never }))],
    ["a live query with a buffer beyond all bounds", (db) => next(db.live("notes", { bufferSize: 100_001 }))],
    ["an empty fingerprint", (db) => db.create("notes", {}, { fingerprint: "" })],
    ["a fingerprint with spaces", (db) => db.create("notes", {}, { fingerprint: "a b" })],
    ["a fingerprint of 129 characters", (db) => db.create("notes", {}, { fingerprint: "a".repeat(129) })],
    ["a fingerprint of a read", (db) => db.read("notes:1", { fingerprint: "a" } as never)],
  ])("%s is a mistake that must not become a missing limit", async (_name, call) => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    // A connect that is done ignores its options.
    const fresh = _name.includes("connect") ? service(store.parts()) : db;
    expect(await failure(call(fresh))).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("an option that is undefined is one that was left out", async () => {
    const db = await connected(new MemoryStore().parts());
    const options = { signal: undefined, timeoutMs: undefined, operationId: undefined, returning: undefined };
    await db.create("notes", {}, options as object);
  });

  test("a getter that throws rejects the call and leaves nothing behind", async () => {
    const db = await connected(new MemoryStore().parts());
    const fault = new Error("from the getter");
    const hostile = {
      get timeoutMs(): number {
        throw fault;
      },
    };
    expect(await rejection(db.read("notes:1", hostile))).toBe(fault);
    expect(
      await rejection(
        db.create("notes", {
          get a(): never {
            throw fault;
          },
        }),
      ),
    ).toBe(fault);
    await db.disconnect();
  });

  test("input named like parts of the prototype is stored as it is and reaches no prototype", async () => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    const data = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as object;
    const { id } = await db.create("notes", data as never);
    const row = await db.read(id);
    expect(Object.keys(row ?? {}).sort()).toEqual(["__proto__", "constructor", "id"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

async function next(all: AsyncIterable<unknown>): Promise<unknown> {
  for await (const one of all) return one;
  return undefined;
}
