import { createDatabase, type DatabaseService, eq, type Layer, runCall } from "@db/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { MockDatabase, type MockDatabaseOptions } from "../src/index.ts";

async function connected(options: MockDatabaseOptions = {}, layers: readonly Layer[] = []): Promise<DatabaseService> {
  const db = createDatabase({ driver: new MockDatabase(options), layers });
  await db.connect();
  onTestFinished(() => db.disconnect());
  return db;
}

describe("transactions", () => {
  test("the second committer of one record gets CONFLICT, and its writes are not there", async () => {
    const db = await connected();
    const { id } = await db.create("notes", { n: 0 });
    const { promise: bothRead, resolve } = Promise.withResolvers<void>();
    let readers = 0;
    const addOne = () =>
      db.transaction(async (tx) => {
        const n = Number((await tx.read(id))?.n);
        readers += 1;
        if (readers === 2) resolve();
        await bothRead;
        await tx.update(id, { n: n + 1 });
        await tx.create("log", { n });
      });
    const ends = await Promise.allSettled([addOne(), addOne()]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const lost = ends.find((end) => end.status === "rejected");
    expect(lost?.reason).toMatchObject({ code: "CONFLICT", effect: "none", retryable: true });
    expect([await db.read(id), await db.count("log")]).toEqual([{ id, n: 1 }, 1]);
  });

  test("a snapshot does not change while others write", async () => {
    const db = await connected();
    const { id } = await db.create("notes", { n: 0 });
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    const reading = db.transaction(async (tx) => {
      const before = await tx.read(id);
      begin();
      await written;
      return [before, await tx.read(id), await tx.count("notes")];
    });
    await begun;
    await db.update(id, { n: 1 });
    await db.create("notes", {});
    write();
    expect(await reading).toEqual([{ id, n: 0 }, { id, n: 0 }, 1]);
  });

  test("a floating statement that is still under way rolls the transaction back", async () => {
    const mock = new MockDatabase();
    await using db = createDatabase({ driver: mock });
    await db.connect();
    mock.delayNext(20, { kind: "create" });
    const floating: Promise<unknown>[] = [];
    const work = db.transaction(async (tx) => {
      floating.push(tx.create("notes", {}).catch((error: unknown) => error));
    });
    await expect(work).rejects.toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
    await Promise.all(floating);
    expect(await db.count("notes")).toBe(0);
  });
});

describe("capabilities", () => {
  test("are all but savepoints and a query language", () => {
    expect(new MockDatabase().capabilities).toEqual({
      transactions: true,
      savepoints: false,
      idempotentWrites: true,
      liveQueries: true,
      scopes: true,
      queryLanguage: false,
    });
  });

  test("onQuery gives a query language, and gets text, parameters and access", async () => {
    const asked: unknown[] = [];
    const db = await connected({
      onQuery: (...facts) => {
        asked.push(facts);
        return ["answer"];
      },
    });
    expect(await db.query("ASK $a", { a: 1 }, { access: "read" })).toEqual(["answer"]);
    expect(asked).toEqual([["ASK $a", { a: 1 }, "read"]]);
  });

  test.each<[string, object, RegExp]>([
    ["an unknown option", { latency: 1 }, /unknown option "latency"/],
    ["a capability that is none", { capabilities: { magic: true } }, /expected one of .*, got "magic"/],
    ["savepoints", { capabilities: { savepoints: true } }, /savepoints: expected false/],
    ["a query language without onQuery", { capabilities: { queryLanguage: true } }, /give onQuery instead/],
    ["a negative latency", { latencyMs: -1 }, /latencyMs: expected a number of milliseconds of 0 or more, got -1/],
    ["no room for calls", { maxCalls: 0 }, /maxCalls: expected an integer of 1 or more/],
    ["an onQuery that is no function", { onQuery: "x" }, /onQuery: expected a function/],
  ])("%s is refused", (_, options, message) => {
    expect(() => new MockDatabase(options)).toThrow(message);
  });
});

describe("live queries", () => {
  test("tell creates, updates and deletes of their collection and scope as they are committed", async () => {
    const db = await connected();
    const controller = new AbortController();
    const changes = db.live("notes", { signal: controller.signal })[Symbol.asyncIterator]();
    const first = changes.next();
    const own = new Error("roll back");
    await db.create("other", {});
    await db.withScope({ namespace: "a", database: "b" }).create("notes", {});
    await db
      .transaction(async (tx) => {
        await tx.create("notes", {});
        throw own;
      })
      .catch((error: unknown) => expect(error).toBe(own));
    await db.create("notes", { n: 1 }, { id: "notes:a" });
    await db.update("notes:a", { n: 2 });
    await db.transaction(async (tx) => void (await tx.delete("notes:a")));
    const events = [await first, await changes.next(), await changes.next(), await changes.next()].map(
      ({ value }) => value,
    );
    expect(events).toEqual([
      { action: "resync", reason: "started" },
      { action: "create", id: "notes:a", row: { id: "notes:a", n: 1 } },
      { action: "update", id: "notes:a", row: { id: "notes:a", n: 2 } },
      { action: "delete", id: "notes:a", row: { id: "notes:a", n: 2 } },
    ]);
    controller.abort();
    expect(await changes.next()).toMatchObject({ done: true });
  });

  test("with a filter tell of rows that match before or after", async () => {
    const db = await connected();
    const changes = db.live("notes", { where: eq("open", true) })[Symbol.asyncIterator]();
    await changes.next();
    await db.create("notes", { open: false }, { id: "notes:other" });
    await db.create("notes", { open: true }, { id: "notes:a" });
    await db.update("notes:a", { open: false });
    await db.update("notes:a", { n: 1 });
    await db.update("notes:a", { open: true });
    await db.delete("notes:a");
    const told = [await changes.next(), await changes.next(), await changes.next(), await changes.next()];
    expect(told.map(({ value }) => [value.action, value.row.open])).toEqual([
      ["create", true],
      ["update", false],
      ["update", true],
      ["delete", true],
    ]);
  });

  test("of a consumer that falls too far behind keep one resync, not all changes", async () => {
    const db = await connected();
    const changes = db.live("notes", { bufferSize: 10 })[Symbol.asyncIterator]();
    await changes.next();
    for (let n = 0; n < 14; n += 1) await db.create("notes", { n });
    const told = [await changes.next(), await changes.next(), await changes.next(), await changes.next()];
    expect(told.map(({ value }) => value.reason ?? value.row.n)).toEqual(["overflow", 11, 12, 13]);
  });

  test("outlive an outage and tell of the gap", async () => {
    const mock = new MockDatabase();
    await using db = createDatabase({ driver: mock });
    await db.connect();
    const changes = db.live("notes")[Symbol.asyncIterator]();
    await changes.next();
    const next = changes.next();
    mock.goAway();
    mock.comeBack();
    expect(await next).toEqual({ done: false, value: { action: "resync", reason: "lost" } });
    const last = changes.next();
    await db.disconnect();
    expect(await last).toMatchObject({ done: true });
  });
});

describe("called without a façade", () => {
  test("is NOT_CONNECTED before connect and CLOSED after disconnect", async () => {
    const mock = new MockDatabase();
    const ping = () => runCall({ timeoutMs: 1_000 }, (context) => mock.ping(context));
    await expect(ping()).rejects.toMatchObject({ code: "NOT_CONNECTED" });
    await runCall({ timeoutMs: 1_000 }, (context) => mock.connect(context));
    await ping();
    await runCall({ timeoutMs: 1_000 }, (context) => mock.disconnect(context));
    await expect(ping()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(runCall({ timeoutMs: 1_000 }, (context) => mock.connect(context))).rejects.toMatchObject({
      code: "CLOSED",
    });
  });

  test("refuses the statements of a transaction that has ended", async () => {
    const mock = new MockDatabase();
    await runCall({ timeoutMs: 1_000 }, async (context) => {
      await mock.connect(context);
      const handle = await mock.begin({}, context);
      await handle.commit(context);
      const read = handle.statements.read({ kind: "read", collection: "notes", id: "notes:a" }, context);
      await expect(read).rejects.toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
      await expect(handle.commit(context)).rejects.toMatchObject({ code: "TRANSACTION_ROLLED_BACK" });
      await handle.rollback(context);
    });
  });
});

describe("the ledger", () => {
  test("holds only what asked for it", async () => {
    const db = await connected();
    await db.create("notes", {}, { operationId: "op-1" });
    expect(await db.wasApplied("op-1")).toBe(false);
  });

  test("gives a write of a transaction up with the transaction", async () => {
    const ledger: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));
    const db = await connected({}, [ledger]);
    const own = new Error("roll back");
    const failing = db.transaction(async (tx) => {
      await tx.create("notes", {}, { operationId: "op-1" });
      throw own;
    });
    await expect(failing).rejects.toBe(own);
    expect(await db.wasApplied("op-1")).toBe(false);
    await db.transaction(async (tx) => void (await tx.create("notes", {}, { operationId: "op-2" })));
    expect(await db.wasApplied("op-2")).toBe(true);
  });

  test("answers a repeat as the first did, and refuses it with another fingerprint", async () => {
    const db = await connected();
    const send = (fingerprint: string) =>
      db.create("notes", { n: 1 }, { operationId: "op-1", fingerprint, returning: true });
    const first = await send("a");
    expect(await send("a")).toEqual(first);
    await expect(send("b")).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      facts: { issues: [{ path: ["operationId"], rule: "operation_reused" }] },
    });
    expect(await db.count("notes")).toBe(1);
    expect(await db.wasApplied("op-1")).toBe(true);
  });

  test("lets one of two transactions apply an operation that both hold", async () => {
    const ledger: Layer = (next) => (operation, context) => next(operation, context.with({ ledger: true }));
    const db = await connected({}, [ledger]);
    const { promise: bothWrote, resolve } = Promise.withResolvers<void>();
    let writers = 0;
    const send = (id: string) =>
      db.transaction(async (tx) => {
        await tx.create("notes", {}, { id, operationId: "op-1" });
        writers += 1;
        if (writers === 2) resolve();
        await bothWrote;
      });
    const ends = await Promise.allSettled([send("notes:a"), send("notes:b")]);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject({ code: "CONFLICT" });
    expect(await db.count("notes")).toBe(1);
  });
});
