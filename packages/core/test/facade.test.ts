import { describe, expect, expectTypeOf, test, vi } from "vitest";
import {
  type CallContext,
  type DatabaseService,
  defineDriver,
  eq,
  type Handlers,
  type Layer,
  type Operation,
  type Row,
  type StatementKind,
  unsupported,
  type WriteResult,
} from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure } from "./support/service.ts";

checkLeaksAfterEach();

/** A driver that notes what reaches it and answers with whatever the kind wants. */
function recorder() {
  const seen: { operation: Operation; context: CallContext }[] = [];
  const note =
    <R>(result: R) =>
    async (operation: Operation, context: CallContext): Promise<R> => {
      seen.push({ operation, context });
      return result;
    };
  const written: WriteResult = { id: "notes:1", operationId: "op", status: "committed" };
  const statements: Handlers<StatementKind> = {
    create: note(written),
    read: note<Row | undefined>({ id: "notes:1", a: 1 }),
    update: note(written),
    delete: note(written),
    find: note({ items: [], next: null }),
    count: note(7),
    query: note([[1]]),
  };
  return { seen, statements };
}

describe("each operation reaches the driver as plain data", () => {
  const where = eq("a", 1);
  test.each<[string, (db: DatabaseService) => Promise<unknown>, object]>([
    [
      "create",
      (db) => db.create("notes", { a: 1, b: undefined }, { id: "notes:1", returning: true }),
      { kind: "create", collection: "notes", id: "notes:1", data: { a: 1 }, returning: true },
    ],
    ["read", (db) => db.read("notes:1"), { kind: "read", collection: "notes", id: "notes:1" }],
    ["exists", (db) => db.exists("notes:1"), { kind: "read", collection: "notes", id: "notes:1" }],
    [
      "update",
      (db) => db.update("notes:1", { id: "notes:1", a: 2, gone: undefined }, { expect: { a: 1 } }),
      {
        kind: "update",
        collection: "notes",
        id: "notes:1",
        mode: "merge",
        data: { a: 2 },
        remove: ["gone"],
        expect: { a: 1 },
        returning: false,
      },
    ],
    [
      "update that replaces",
      (db) => db.update("notes:1", { a: 2, gone: undefined }, { mode: "replace" }),
      {
        kind: "update",
        collection: "notes",
        id: "notes:1",
        mode: "replace",
        data: { a: 2 },
        remove: [],
        expect: undefined,
        returning: false,
      },
    ],
    [
      "delete",
      (db) => db.delete("notes:1", { expect: { a: null } }),
      { kind: "delete", collection: "notes", id: "notes:1", expect: { a: null }, returning: false },
    ],
    ["count", (db) => db.count("notes", where), { kind: "count", collection: "notes", where }],
    [
      "find",
      (db) => db.find("notes", { where, order: [["a", "desc"]], limit: 3 }),
      {
        kind: "find",
        collection: "notes",
        query: {
          where,
          order: [
            { path: ["a"], direction: "desc" },
            { path: ["id"], direction: "asc" },
          ],
          limit: 3,
          after: undefined,
        },
      },
    ],
    [
      "query",
      (db) => db.query("SELECT $a", { a: 1 }, { access: "read" }),
      { kind: "query", text: "SELECT $a", params: { a: 1 }, access: "read" },
    ],
    ["query, a write unless told", (db) => db.query("X"), { kind: "query", text: "X", params: {}, access: "write" }],
  ])("%s", async (_name, call, operation) => {
    const { seen, statements } = recorder();
    await call(await connected({ statements }));
    expect(seen.map((one) => one.operation)).toEqual([operation]);
  });

  test("and the answers come back", async () => {
    const { statements } = recorder();
    const db = await connected({ statements });
    expect(await db.exists("notes:1")).toBe(true);
    expect(await db.count("notes")).toBe(7);
    expect(await db.query<number[]>("X")).toEqual([[1]]);
    expectTypeOf(db.query<number[]>).returns.resolves.toEqualTypeOf<readonly number[][]>();
    const missing = await connected({ statements: { read: async () => undefined } });
    expect(await missing.exists("notes:1")).toBe(false);
  });
});

describe("the facts of a call", () => {
  test("are those of a first attempt, with the default deadline of 30 seconds", async () => {
    const { seen, statements } = recorder();
    const before = performance.now();
    await (await connected({ statements })).read("notes:1");
    const context = seen[0]?.context;
    expect(context).toMatchObject({
      attempt: 1,
      origin: "call",
      ledger: false,
      whenAway: "wait",
      inTransaction: false,
    });
    expect(context?.scope).toBeUndefined();
    expect(context?.aborted).toBe(false);
    expect((context?.deadline ?? 0) - before).toBeGreaterThanOrEqual(30_000);
    expect((context?.deadline ?? 0) - performance.now()).toBeLessThanOrEqual(30_000);
  });

  test("the operation id is a new UUIDv7, or the caller's own", async () => {
    const { seen, statements } = recorder();
    const db = await connected({ statements });
    await db.create("notes", {});
    await db.create("notes", {}, { operationId: "import:7" });
    expect(seen[0]?.context.operationId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(seen[1]?.context.operationId).toBe("import:7");
  });

  test("a create without an id gets one of its collection, and returns what was stored", async () => {
    const store = new MemoryStore();
    const db = await connected(store.parts());
    const { id } = await db.create("notes", { a: 1 });
    expect(id).toMatch(/^notes:/);
    expect(await db.read(id)).toEqual({ id, a: 1 });
  });

  test("with a scope they carry it, for a driver that has scopes", async () => {
    const { seen, statements } = recorder();
    const db = await connected({ statements, capabilities: { scopes: true } });
    const scope = { namespace: "n", database: "d" };
    await db.withScope(scope).read("notes:1");
    await db.read("notes:1");
    const variables = { who: "ann" };
    const one = db.withScope({ ...scope, variables });
    variables.who = "changed later";
    await one.read("notes:1");
    expect(seen.map(({ context }) => context.scope)).toEqual([
      scope,
      undefined,
      { ...scope, variables: { who: "ann" } },
    ]);
  });

  test("a fingerprint asks for the ledger row that holds it, in a transaction as well", async () => {
    const { seen, statements } = recorder();
    const transaction = { statements: defineDriver({ name: "tx", statements }).statements };
    const db = await connected({
      statements,
      capabilities: { idempotentWrites: true, transactions: true },
      begin: async () => ({ ...transaction, commit: async () => {}, rollback: async () => {} }),
    });
    await db.create("notes", {}, { fingerprint: "sha256=abc" });
    await db.create("notes", {});
    await db.transaction(async (tx) => {
      await tx.create("notes", {}, { fingerprint: "inside" });
      await tx.create("notes", {});
    });
    expect(seen.map(({ context }) => [context.ledger, context.fingerprint])).toEqual([
      [true, "sha256=abc"],
      [false, undefined],
      [true, "inside"],
      [false, undefined],
    ]);
    const unable = await connected({
      statements,
      capabilities: { transactions: true },
      begin: async () => ({ ...transaction, commit: async () => {}, rollback: async () => {} }),
    });
    expect(await failure(unable.create("notes", {}, { fingerprint: "a" }))).toMatchObject({ code: "UNSUPPORTED" });
    const inside = unable.transaction((tx) => tx.create("notes", {}, { fingerprint: "a" }));
    expect(await failure(inside)).toMatchObject({ code: "UNSUPPORTED" });
  });

  test("a live query of a scope carries it, and the service's deadline for its start", async () => {
    const seen: unknown[] = [];
    const db = await connected(
      {
        capabilities: { liveQueries: true, scopes: true },
        live: (query, { scope }) => {
          seen.push(query, scope);
          return { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) };
        },
      },
      { timeoutMs: 1_234 },
    );
    const scope = { namespace: "n", database: "d" };
    const one = db.withScope(scope);
    for await (const _ of one.live("notes", { where: eq("n", 1), bufferSize: 7 })) expect.unreachable();
    for await (const _ of db.live("notes", { timeoutMs: 5 })) expect.unreachable();
    expect(seen).toEqual([
      { collection: "notes", where: eq("n", 1), bufferSize: 7, timeoutMs: 1_234 },
      scope,
      { collection: "notes", where: undefined, bufferSize: 1_000, timeoutMs: 5 },
      undefined,
    ]);
  });
});

describe("what a driver cannot do is refused, never ignored", () => {
  test("a row in a ledger that a layer asks for", async () => {
    const ask: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));
    const create = vi.fn();
    const db = await connected({ statements: { create } }, { layers: [ask] });
    expect(await failure(db.create("notes", {}))).toMatchObject({ code: "UNSUPPORTED", effect: "none" });
    expect(create).not.toHaveBeenCalled();
  });

  test("a scope, at the first call", async () => {
    const db = await connected(recorder());
    const tenant = db.withScope({ namespace: "n", database: "d" });
    expect(await failure(tenant.read("notes:1"))).toMatchObject({
      code: "UNSUPPORTED",
      facts: { feature: "a scope on fake" },
    });
    expect(await failure(tenant.transaction(async () => {}))).toMatchObject({ code: "UNSUPPORTED" });
    expect(await failure(tenant.wasApplied("op"))).toMatchObject({ code: "UNSUPPORTED" });
  });

  test("a scope that is none, at once", async () => {
    const db = await connected(recorder());
    const nameless = { namespace: "n", database: "" };
    for (const scope of [null, {}, { namespace: "n" }, { namespace: "n", database: 5 }, "n/d", nameless]) {
      expect(() => db.withScope(scope as never)).toThrow("scope: expected { namespace, database } of strings");
    }
    const scope = { namespace: "n", database: "d" };
    expect(() => db.withScope({ ...scope, tenant: 1 } as never)).toThrow('scope: unknown option "tenant"');
    expect(() => db.withScope({ ...scope, variables: [] as never })).toThrow(
      "scope.variables: expected a plain object",
    );
    for (const name of ["_p0", "a b", "1a", ""]) {
      expect(() => db.withScope({ ...scope, variables: { [name]: 1 } })).toThrow("scope.variables: expected names of");
    }
    expect(() => db.withScope({ ...scope, variables: { who: Number.NaN } })).toThrow("scope.variables.who");
  });

  test("a statement, a transaction, a ledger", async () => {
    const db = await connected({});
    expect((await failure(db.read("notes:1"))).message).toBe("read on fake is not supported here");
    expect(await failure(db.transaction(async () => {}))).toMatchObject({ code: "UNSUPPORTED" });
    expect(await failure(db.wasApplied("op"))).toMatchObject({ code: "UNSUPPORTED", effect: "none" });
    const half = await connected({ wasApplied: async () => true });
    expect(await failure(half.wasApplied("op"))).toMatchObject({ code: "UNSUPPORTED" });
  });

  test("a ledger that is there answers", async () => {
    const db = await connected({
      capabilities: { idempotentWrites: true, scopes: true },
      wasApplied: async (id, { scope }) => id === "op" && scope?.namespace === "n",
    });
    expect(await db.withScope({ namespace: "n", database: "d" }).wasApplied("op")).toBe(true);
    expect(await db.wasApplied("op")).toBe(false);
    expect(await failure(db.wasApplied("no spaces"))).toMatchObject({ code: "VALIDATION_FAILED" });
    expect(await failure(db.wasApplied(undefined as never))).toMatchObject({ code: "VALIDATION_FAILED" });
  });

  test("the version is the driver's", async () => {
    expect(await (await connected({ version: async () => "fake-1.2.3" })).version()).toBe("fake-1.2.3");
    const db = await connected({
      version: async () => {
        throw unsupported("a version");
      },
    });
    expect(await failure(db.version())).toMatchObject({ code: "UNSUPPORTED" });
  });
});

test("await using ends the service", async () => {
  const states: string[] = [];
  let kept: DatabaseService;
  {
    await using db = await connected({ disconnect: async () => void states.push("disconnected") });
    kept = db;
    expect(kept.state.name).toBe("connected");
  }
  expect(kept.state.name).toBe("closed");
  expect(states).toEqual(["disconnected"]);
});
