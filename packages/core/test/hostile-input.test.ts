import { describe, expect, test } from "vitest";
import {
  attemptTimeout,
  bulkCreate,
  createDatabase,
  type DatabaseService,
  eq,
  type Filter,
  isIn,
  logLayer,
  type OperationOf,
  type Patch,
  stream,
  type Value,
  VersionChecker,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang } from "./support/service.ts";

checkLeaksAfterEach();

const boom = (): never => {
  throw new TypeError("secret");
};

describe("options that are no object of options", () => {
  test.each<[string, () => unknown]>([
    ["a number", () => attemptTimeout(5_000 as never)],
    ["a list", () => attemptTimeout([] as never)],
    ["a function", () => attemptTimeout((() => {}) as never)],
    ["null", () => logLayer(null as never)],
    ["nothing", () => createDatabase(undefined as never)],
  ])("are refused at construction with what was expected, not taken for none: %s", (_name, construct) => {
    expect(construct).toThrow(/^(attemptTimeout|logLayer|createDatabase): expected an object of options, got /);
  });

  class Limits {
    get timeoutMs(): number {
      return Number.NaN;
    }
  }

  test.each<[string, object]>([
    ["a signal in their place", new AbortController().signal],
    ["a map", new Map([["timeoutMs", 5]])],
    ["a list", []],
    ["inherited ones, which no check sees", Object.create({ timeoutMs: Number.NaN }) as object],
    ["an instance of a class", new Limits()],
  ])("are refused at a call, not ignored: %s", async (_name, options) => {
    const db = await connected(new MemoryStore().parts());
    expect(await failure(db.read("notes:1", options))).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("cannot change between the check and the use", async () => {
    const db = await connected({ statements: { read: hang } });
    let reads = 0;
    const options = {
      get timeoutMs(): number {
        reads += 1;
        return reads === 1 ? 5 : Number.NaN;
      },
    };
    expect(await failure(db.read("notes:1", options))).toMatchObject({ code: "QUERY_TIMEOUT" });
  });
});

test.each<[string, AbortSignal]>([
  ["one that throws when it is asked", new Proxy(new AbortController().signal, { get: () => boom() })],
  ["an object of its prototype", Object.create(AbortSignal.prototype) as AbortSignal],
])("a signal that cannot be used is refused before the call begins: %s", async (_name, signal) => {
  const db = await connected(new MemoryStore().parts());
  expect(await failure(db.read("notes:1", { signal, timeoutMs: 20 }))).toMatchObject({ code: "VALIDATION_FAILED" });
  await db.disconnect();
});

describe("a query", () => {
  const holes = <T>(length: number): T[] => new Array<T>(length);

  test.each<[string, (db: DatabaseService) => Promise<unknown>]>([
    ["a path", (db) => db.find("notes", { where: eq(holes<string>(2), 1) })],
    ["an order", (db) => db.find("notes", { order: holes<["a", "asc"]>(2) })],
    ["the path of an order", (db) => db.find("notes", { order: [[holes<string>(1), "asc"]] })],
  ])("with holes in %s is INVALID_QUERY", async (_name, call) => {
    const db = await connected(new MemoryStore().parts());
    expect(await failure(call(db))).toMatchObject({ code: "INVALID_QUERY" });
  });

  test.each<[string, object]>([
    ["an option that no filter has", { ...eq("a", 1), caseSensitive: false }],
    ["the value of another filter", { ...isIn("a", [1]), value: 1 }],
    ["a misspelt one inside", { op: "not", filter: { ...eq("a", 1), Value: 2 } }],
  ])("does not ignore a part of a filter: %s", async (_name, where) => {
    const db = await connected(new MemoryStore().parts());
    expect(await failure(db.count("notes", where as Filter))).toMatchObject({ code: "INVALID_QUERY" });
  });

  test("is copied at the call: what becomes of the caller's objects changes nothing", async () => {
    let asked: OperationOf<"find"> | undefined;
    const db = await connected({
      statements: {
        find: async (operation) => {
          asked = operation;
          return { items: [], next: null };
        },
      },
    });
    const at = ["a"];
    const values: Value[] = [1];
    const filters = [isIn(at, values)];
    const by = ["b"];
    await db.find("notes", { where: { op: "and", filters }, order: [[by, "asc"]] });
    at[0] = "changed";
    values.push(new Map() as never);
    filters.length = 0;
    by[0] = "changed";
    expect(asked?.query).toMatchObject({
      where: { op: "and", filters: [{ op: "in", path: ["a"], values: [1] }] },
      order: [{ path: ["b"] }, { path: ["id"] }],
    });
  });
});

describe("data", () => {
  async function stored(data: Patch): Promise<unknown> {
    const db = await connected(new MemoryStore().parts());
    const { id } = await db.create("notes", data);
    return db.read(id);
  }

  test("of few objects that stand for astronomically many is refused, and holds up nobody", async () => {
    let nest: Value = 1;
    for (let depth = 0; depth < 60; depth += 1) nest = [nest, nest];
    const db = await connected(new MemoryStore().parts());
    expect(await failure(db.create("notes", { nest }))).toMatchObject({ code: "VALIDATION_FAILED" });
    expect(await failure(db.find("notes", { where: eq("a", nest) }))).toMatchObject({ code: "INVALID_QUERY" });
    expect(await failure(db.query("X", { nest }))).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("is written as it was checked, also where a getter gives another value each time", async () => {
    let reads = 0;
    const inner = {
      get a(): Value {
        reads += 1;
        return reads === 1 ? 1 : (new Map() as never);
      },
    };
    expect(await stored({ inner })).toMatchObject({ inner: { a: 1 } });
  });

  test("is read by what dates and bytes are, not by what they were made to say", async () => {
    const date = Object.assign(new Date(5), { getTime: () => Number.NaN });
    const bytes = Object.assign(Uint8Array.of(1, 2), {
      *[Symbol.iterator]() {
        for (;;) yield 0;
      },
    });
    const list = Object.assign([1, 2], { entries: () => [], map: () => ["other"] });
    const length = Object.defineProperty(bytes, "length", { value: 2 ** 40 });
    expect(await stored({ date, bytes: length, list: list as never })).toMatchObject({
      date: new Date(5),
      bytes: Uint8Array.of(1, 2),
      list: [1, 2],
    });
  }, 5_000);
});

describe("bulkCreate", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a text", "notes:1"],
    ["one that has more than an id and data", { data: {}, operationId: "a" }],
  ])("tells of an item that is none beside those that were created: %s", async (_name, item) => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    const items = [{ data: { a: 1 } }, item as never, { data: { a: 2 } }];
    const outcomes = await bulkCreate(db, "notes", items);
    expect(outcomes).toMatchObject([
      { status: "done" },
      { status: "failed", error: { code: "VALIDATION_FAILED", effect: "none" } },
      { status: "done" },
    ]);
    expect(store.rows.size).toBe(2);
    expect(await failure(bulkCreate(db, "notes", items, { atomic: true }))).toMatchObject({
      code: "VALIDATION_FAILED",
    });
    expect(store.rows.size).toBe(2);
  });

  test.each([{ atomic: "no" }, { stopOnError: 1 }])("refuses a choice that is none: %o", async (options) => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    await expect(bulkCreate(db, "notes", [{ data: {} }], options as never)).rejects.toThrow("expected a boolean");
    expect(store.rows.size).toBe(0);
  });
});

test("a stream over a query that is none says so", async () => {
  await expect(stream({} as never, "notes", null as never).next()).rejects.toThrow("expected a query object");
});

test.each([undefined, null, 5, {}])("a version that is no text is unknown: %o", (reported) => {
  expect(new VersionChecker({ range: "1" }).check(reported as never)).toMatchObject({ verdict: "unknown" });
});
