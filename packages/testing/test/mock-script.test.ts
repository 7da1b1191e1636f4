import { createDatabase, type DatabaseError, DatabaseErrorOf, type DatabaseService } from "@db/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { MockDatabase, type MockDatabaseOptions } from "../src/index.ts";

const down = new DatabaseErrorOf("CONNECTION_FAILED", "the wire is cut", {});

async function connected(options: MockDatabaseOptions = {}): Promise<{ mock: MockDatabase; db: DatabaseService }> {
  const mock = new MockDatabase(options);
  const db = createDatabase({ driver: mock });
  await db.connect();
  mock.clearCalls();
  onTestFinished(() => db.disconnect({ drainMs: 1 }));
  return { mock, db };
}

const failureOf = (promise: Promise<unknown>): Promise<DatabaseError> =>
  promise.then(
    () => expect.fail("expected a rejection"),
    (error: DatabaseError) => error,
  );

describe("failNext", () => {
  test("fails the next call before it is carried out, and only that one", async () => {
    const { mock, db } = await connected();
    mock.failNext(down);
    const error = await failureOf(db.create("notes", { n: 1 }, { id: "notes:a" }));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
    expect(await db.exists("notes:a")).toBe(false);
    await db.create("notes", { n: 1 }, { id: "notes:a" });
  });

  test("with `after` carries the call out and loses the answer: the effect is unknown and there", async () => {
    const { mock, db } = await connected();
    mock.failNext(down, { when: "after" });
    const error = await failureOf(db.create("notes", { n: 1 }, { id: "notes:a" }));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
    expect(await db.read("notes:a")).toEqual({ id: "notes:a", n: 1 });
  });

  test("with `after` on a read tells no effect", async () => {
    const { mock, db } = await connected();
    mock.failNext(down, { when: "after", kind: "find" });
    expect(await failureOf(db.find("notes"))).toMatchObject({ effect: "none" });
  });

  test("waits for a call of its kind", async () => {
    const { mock, db } = await connected();
    mock.failNext(down, { kind: ["update", "delete"], times: 2 });
    const { id } = await db.create("notes", {});
    expect(await db.read(id)).toBeDefined();
    await expect(db.update(id, { n: 1 })).rejects.toBe(down);
    await expect(db.delete(id)).rejects.toBe(down);
    await db.delete(id);
  });

  test("follows one after the other in the order they were told", async () => {
    const { mock, db } = await connected();
    const second = new DatabaseErrorOf("POOL_EXHAUSTED", "no connection is free", {});
    mock.failNext(down, { times: 2 });
    mock.failNext(second);
    const codes = [];
    for (let call = 0; call < 3; call += 1) codes.push((await failureOf(db.count("notes"))).code);
    expect(codes).toEqual(["CONNECTION_FAILED", "CONNECTION_FAILED", "POOL_EXHAUSTED"]);
    expect(await db.count("notes")).toBe(0);
  });

  test("takes a function of the call, which may let it pass", async () => {
    const { mock, db } = await connected();
    mock.failNext(({ operation }) => (operation?.kind === "read" && operation.id === "notes:b" ? down : undefined), {
      times: Number.POSITIVE_INFINITY,
    });
    expect(await db.read("notes:a")).toBeUndefined();
    await expect(db.read("notes:b")).rejects.toBe(down);
    await expect(db.read("notes:b")).rejects.toBe(down);
  });

  test("gives back what takes it back", async () => {
    const { mock, db } = await connected();
    const undo = mock.failNext(down, { times: Number.POSITIVE_INFINITY });
    await expect(db.count("notes")).rejects.toBe(down);
    undo();
    expect(await db.count("notes")).toBe(0);
  });

  test("can be any error: core makes INTERNAL of what is not ours", async () => {
    const { mock, db } = await connected();
    const strange = new Error("strange");
    mock.failNext(strange);
    expect(await failureOf(db.create("notes", {}))).toMatchObject({
      code: "INTERNAL",
      effect: "unknown",
      cause: strange,
    });
  });

  test("fails connect, which can be tried again", async () => {
    const mock = new MockDatabase();
    mock.failNext(new DatabaseErrorOf("AUTHENTICATION_FAILED", "wrong password", {}), { kind: "connect" });
    await using db = createDatabase({ driver: mock });
    await expect(db.connect()).rejects.toMatchObject({ code: "AUTHENTICATION_FAILED" });
    expect(db.state.name).toBe("disconnected");
    await db.connect();
    expect(db.state.name).toBe("connected");
  });

  test("fails begin and commit, and a commit that fails after it happened is unknown", async () => {
    const { mock, db } = await connected();
    const work = (id: string) => db.transaction(async (tx) => void (await tx.create("notes", {}, { id })));
    mock.failNext(new DatabaseErrorOf("TRANSACTION_FAILED", "no", { phase: "begin" }), { kind: "begin" });
    await expect(work("notes:a")).rejects.toMatchObject({ code: "TRANSACTION_FAILED", effect: "none" });
    mock.failNext(down, { kind: "commit" });
    await expect(work("notes:b")).rejects.toMatchObject({ effect: "none" });
    mock.failNext(down, { kind: "commit", when: "after" });
    await expect(work("notes:c")).rejects.toMatchObject({ effect: "unknown" });
    expect((await db.find("notes")).items).toEqual([{ id: "notes:c" }]);
  });

  test.each([0, -1, 1.5, Number.NaN])("refuses to be told %d times", (times) => {
    expect(() => new MockDatabase().failNext(down, { times })).toThrow(/times: expected an integer of 1 or more/);
  });

  test.each([
    [{ kind: "reed" }, /kind: expected one or several of create, .*wasApplied, got reed/],
    [{ kind: ["read", "list"] }, /kind: expected one or several of .* got list/],
    [{ when: "later" }, /when: expected before or after, got later/],
    [{ time: 2 }, /unknown option "time"/],
  ])("refuses what no call would ever meet: %j", (options, message) => {
    const mock = new MockDatabase();
    expect(() => mock.failNext(down, options as never)).toThrow(message);
    expect(() => mock.delayNext(1, options as never)).toThrow(message);
    expect(() => mock.hang(options as never)).toThrow(message);
  });
});

describe("delayNext and latencyMs", () => {
  test("a delayed call answers late", async () => {
    const { mock, db } = await connected();
    mock.delayNext(30, { kind: "read" });
    const start = performance.now();
    await db.read("notes:a");
    expect(performance.now() - start).toBeGreaterThan(25);
  });

  test("a call that ends while it is delayed before is never carried out", async () => {
    const { mock, db } = await connected();
    mock.delayNext(60_000);
    const error = await failureOf(db.create("notes", {}, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    expect(await db.count("notes")).toBe(0);
  });

  test("a call that ends while it is delayed after has been carried out", async () => {
    const { mock, db } = await connected();
    mock.delayNext(60_000, { when: "after" });
    const error = await failureOf(db.create("notes", {}, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
    expect(await db.count("notes")).toBe(1);
  });

  test("latency is that of every call until it is changed", async () => {
    const { mock, db } = await connected({ latencyMs: 0 });
    mock.latencyMs = 15;
    expect(mock.latencyMs).toBe(15);
    const start = performance.now();
    await db.count("notes");
    await db.count("notes");
    expect(performance.now() - start).toBeGreaterThan(25);
    expect(() => {
      mock.latencyMs = -1;
    }).toThrow(/latencyMs: expected/);
  });

  test("delay and failure of one call add up", async () => {
    const { mock, db } = await connected();
    mock.delayNext(20);
    mock.failNext(down);
    const start = performance.now();
    await expect(db.count("notes")).rejects.toBe(down);
    expect(performance.now() - start).toBeGreaterThan(15);
  });
});

describe("hang", () => {
  test("never answers until the signal fires, and then does not know the effect of a write", async () => {
    const { mock, db } = await connected();
    mock.hang({ times: 2 });
    const controller = new AbortController();
    const write = failureOf(db.create("notes", {}, { signal: controller.signal }));
    const read = failureOf(db.read("notes:a", { signal: controller.signal }));
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await write).toMatchObject({ code: "CANCELLED", effect: "unknown", cause: reason });
    expect(await read).toMatchObject({ code: "CANCELLED", effect: "none", cause: reason });
    expect(await db.count("notes")).toBe(0);
  });

  test("with `after` the write has happened", async () => {
    const { mock, db } = await connected();
    mock.hang({ when: "after" });
    expect(await failureOf(db.create("notes", {}, { timeoutMs: 20 }))).toMatchObject({ effect: "unknown" });
    expect(await db.count("notes")).toBe(1);
  });

  test("ends a statement in a transaction without effect", async () => {
    const { mock, db } = await connected();
    mock.hang({ kind: "update" });
    const { id } = await db.create("notes", { n: 1 });
    const error = await failureOf(
      db.transaction(async (tx) => void (await tx.update(id, { n: 2 })), { timeoutMs: 20 }),
    );
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    expect(await db.read(id)).toEqual({ id, n: 1 });
  });

  test("a hung connect ends with its deadline", async () => {
    const mock = new MockDatabase();
    mock.hang({ kind: "connect" });
    await using db = createDatabase({ driver: mock });
    await expect(db.connect({ timeoutMs: 20 })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
    await db.connect();
  });
});

describe("ignoreSignals", () => {
  test("leaves it to core to end the call", async () => {
    const { mock, db } = await connected();
    mock.ignoreSignals();
    mock.hang();
    const start = performance.now();
    const error = await failureOf(db.create("notes", {}, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
    expect(performance.now() - start).toBeGreaterThan(100);
    expect(mock.calls.at(-1)).toMatchObject({ kind: "create", outcome: "running" });
  });

  test("carries out what the caller has given up", async () => {
    const { mock, db } = await connected();
    mock.ignoreSignals();
    mock.delayNext(150);
    await failureOf(db.create("notes", {}, { id: "notes:late", timeoutMs: 10 }));
    await expect.poll(() => db.exists("notes:late")).toBe(true);
  });
});

describe("the record of calls", () => {
  test("tells each call's facts and how it ended", async () => {
    const { mock, db } = await connected();
    await db.create("notes", { n: 1 }, { id: "notes:a", operationId: "op-1" });
    await failureOf(db.create("notes", {}, { id: "notes:a", operationId: "op-2" }));
    await db.transaction(async (tx) => void (await tx.read("notes:a")));
    expect(mock.calls.map(({ kind, outcome, inTransaction }) => [kind, outcome, inTransaction])).toEqual([
      ["create", "done", false],
      ["create", "failed", false],
      ["begin", "done", true],
      ["read", "done", true],
      ["commit", "done", false],
    ]);
    expect(mock.calls[0]).toMatchObject({
      operation: { kind: "create", id: "notes:a", data: { n: 1 } },
      operationId: "op-1",
      attempt: 1,
      origin: "call",
      ledger: false,
      whenAway: "wait",
      scope: undefined,
      error: undefined,
    });
    expect(mock.calls[1]?.error).toMatchObject({ code: "ALREADY_EXISTS" });
    mock.clearCalls();
    expect(mock.calls).toEqual([]);
  });

  test("holds the last calls only", async () => {
    const { mock, db } = await connected({ maxCalls: 3 });
    for (let n = 0; n < 20; n += 1) await db.read(`notes:${n}`);
    const ids = mock.calls.map(({ operation }) => (operation?.kind === "read" ? operation.id : ""));
    expect(ids).toEqual(["notes:17", "notes:18", "notes:19"]);
  });
});
