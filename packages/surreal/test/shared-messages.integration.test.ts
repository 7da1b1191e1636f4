import { createDatabase, type DatabaseService, isDatabaseError, type WriteResult } from "@db/core";
import { type SurrealServer, startSurreal } from "@db/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { remoteDriver } from "./support/server.ts";

let server: SurrealServer;
let db: DatabaseService;

beforeAll(async () => {
  server = await startSurreal({ engine: "rocksdb" });
});
beforeEach(async () => {
  db = createDatabase({
    driver: remoteDriver(server.url, { pool: { maxSockets: 1, perSocket: 64, perMessage: 16, min: 64 } }),
    timeoutMs: 10_000,
  });
  await db.connect();
  await db.create("notes", { n: 0 }, { id: "notes:0" });
  // Whoever waits for a channel leaves when there is one: with all of them there, a moment's calls leave in that moment.
  await Promise.all(Array.from({ length: 64 }, () => db.read("notes:0")));
});
afterEach(async () => {
  await server.heal();
  await db.disconnect({ drainMs: 0 });
});
afterAll(() => server.close());

async function messagesOf<T>(calls: () => Promise<T>): Promise<{ readonly messages: number; readonly result: T }> {
  const { requests } = await server.stats();
  const result = await calls();
  return { messages: (await server.stats()).requests - requests, result };
}

/** What each call ended with: its result, or its error's code and effect. */
async function endsOf(calls: readonly Promise<unknown>[]): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((end) => {
    if (end.status === "fulfilled") return end.value;
    if (!isDatabaseError(end.reason)) throw end.reason;
    return `${end.reason.code} ${end.reason.effect}`;
  });
}

describe("calls of one moment share messages", () => {
  test("and each has its own result", async () => {
    const ids = Array.from({ length: 32 }, (_, n) => `notes:made${n}`);
    const created = await messagesOf(() => Promise.all(ids.map((id, n) => db.create("notes", { n }, { id }))));
    expect(created.messages).toBe(2);
    expect(created.result.map(({ id }: WriteResult) => id)).toEqual(ids);
    const updated = await messagesOf(() =>
      Promise.all(ids.map((id, n) => db.update(id, { n: 1 }, { mode: "increment", expect: { n }, returning: true }))),
    );
    expect(updated.messages).toBe(2);
    const read = await messagesOf(() => Promise.all(ids.map((id) => db.read(id))));
    expect(read.messages).toBe(2);
    expect(read.result).toEqual(ids.map((id, n) => ({ id, n: n + 1 })));
    expect(updated.result.map(({ row }) => row)).toEqual(read.result);
  });

  test("and what is refused of one is no loss to those beside it", async () => {
    await db.query("DEFINE FIELD n ON notes TYPE number ASSERT $value >= 0");
    const { messages, result } = await messagesOf(() =>
      endsOf([
        db.create("notes", { n: 1 }, { id: "notes:0" }),
        db.create("notes", { n: 2 }, { id: "notes:two" }).then(({ status }) => status),
        db.create("notes", { n: -3 }, { id: "notes:three" }),
        db.update("notes:four", { n: 4 }),
        db.read("notes:four"),
        db.read("nowhere:1"),
        db.delete("notes:0", { expect: { n: 5 } }),
        db.update("notes:two", { n: 6 }).then(({ status }) => status),
      ]),
    );
    expect(result).toEqual([
      "ALREADY_EXISTS none",
      "committed",
      "FIELD_VIOLATION none",
      "NOT_FOUND none",
      undefined,
      undefined,
      "PRECONDITION_FAILED none",
      "committed",
    ]);
    expect(await db.read("notes:three")).toBeUndefined();
    expect(await db.read("notes:two")).toEqual({ id: "notes:two", n: 6 });
    // Writes of one record follow one another, and never in one message.
    expect(messages).toBe(2);
  });

  test("but not under the ledger, of another tenant, with variables, nor a query", async () => {
    const other = db.withScope({ namespace: "test", database: "other" });
    const variables = db.withScope({ namespace: "test", database: "variables", variables: { who: "ann" } });
    await Promise.all([other.read("notes:0"), variables.read("notes:0"), db.create("notes", {}, { fingerprint: "f" })]);
    const { messages } = await messagesOf(() =>
      Promise.all([
        db.create("notes", {}, { fingerprint: "f" }),
        db.create("notes", {}, { fingerprint: "g" }),
        other.read("notes:0"),
        variables.read("notes:0"),
        variables.read("notes:1"),
        db.query("RETURN 1", {}, { access: "read" }),
        db.count("notes"),
        db.read("notes:0"),
      ]),
    );
    expect(messages).toBe(8);
  });
});

describe("a message that is shared", () => {
  test("and lost says so to each, and is never sent again", async () => {
    await server.fault({ dropBeforeReply: 1, methods: ["query"] });
    const ends = await endsOf([
      db.read("notes:0"),
      db.create("notes", {}, { id: "notes:lost" }),
      db.update("notes:0", { n: 1 }, { mode: "increment" }),
    ]);
    expect(ends).toEqual(["CONNECTION_FAILED none", "OUTCOME_UNKNOWN unknown", "OUTCOME_UNKNOWN unknown"]);
    expect(await db.read("notes:0")).toEqual({ id: "notes:0", n: 1 });
    expect(await db.count("notes")).toBe(2);
  });

  test("and refused for its session is sent in a new one, which nobody notices", async () => {
    await server.fault({ expireSessions: true });
    const rows = await Promise.all(["a", "b", "c"].map((key) => db.create("notes", { key }, { id: `notes:${key}` })));
    expect(rows.map(({ status }) => status)).toEqual(["committed", "committed", "committed"]);
    expect(await db.count("notes")).toBe(4);
  });

  test("holds nobody beyond his own time", async () => {
    // An answer that is there when a process that stood still goes on may be given, however late.
    await server.fault({ delayMs: 2_000, methods: ["query"] });
    let isAnswered = false;
    const hasty = endsOf([db.read("notes:0", { timeoutMs: 100 }), db.delete("notes:0", { timeoutMs: 100 })]).then(
      (ends) => [...ends, isAnswered],
    );
    const patient = db.create("notes", {}, { id: "notes:patient" }).finally(() => {
      isAnswered = true;
    });
    expect(await hasty).toEqual(["QUERY_TIMEOUT none", "QUERY_TIMEOUT unknown", false]);
    expect((await patient).status).toBe("committed");
  });
});
