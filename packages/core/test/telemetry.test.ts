import { channel, tracingChannel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CHANNELS, createDatabase, defineDriver, type OperationEvent, type StateEvent } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { MemoryStore } from "./support/memory.ts";
import { connected, failure, hang } from "./support/service.ts";

checkLeaksAfterEach();

interface Traced {
  readonly stage: string;
  readonly event: OperationEvent & { readonly error?: unknown };
}

const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
  vi.useRealTimers();
});

/** Notes every stage of every call. */
function trace(): Traced[] {
  const all: Traced[] = [];
  const note = (stage: string) => (event: unknown) => void all.push({ stage, event: event as OperationEvent });
  const subscribers = {
    start: note("start"),
    end: note("end"),
    asyncStart: note("asyncStart"),
    asyncEnd: note("asyncEnd"),
    error: note("error"),
  };
  const operations = tracingChannel(CHANNELS.operation);
  operations.subscribe(subscribers);
  ended.push(() => void operations.unsubscribe(subscribers));
  return all;
}

describe("a logical call", () => {
  test("is traced once, with all its attempts, on a public channel", async () => {
    const all = trace();
    expect(CHANNELS.operation).toBe("db:operation");
    const db = await connected(
      { statements: { read: async () => undefined } },
      {
        layers: [(next) => (operation, context) => next(operation, context).then(() => next(operation, context))],
      },
    );
    await db.read("notes:1");
    expect(all.map((one) => one.stage)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(all[0]?.event).toMatchObject({ driver: "fake", kind: "read", collection: "notes", text: undefined });
  });

  test("tells facts and never a value, an id or a parameter", async () => {
    const all = trace();
    const starts: string[] = [];
    const operations = tracingChannel(CHANNELS.operation);
    const note = (event: unknown): void => void starts.push(JSON.stringify(event));
    operations.start.subscribe(note);
    ended.push(() => operations.start.unsubscribe(note));
    const db = await connected(new MemoryStore().parts());
    await db.create("notes", { title: "SECRET" }, { id: "notes:SECRET", operationId: "op-1" });
    await db.query("SELECT $x", { x: "SECRET" });
    await db.find("notes", { where: { op: "eq", path: ["title"], value: "SECRET" } });
    expect(starts).toHaveLength(3);
    expect(starts.join()).not.toContain("SECRET");
    const facts = ["collection", "driver", "kind", "namespace", "startedAt", "target", "text"];
    for (const { event } of all) expect(Object.keys(event).sort()).toEqual(facts);
    expect(all[0]?.event.operationId).toBe("op-1");
    expect(all.some(({ event }) => event.text === "SELECT $x")).toBe(true);
  });

  test("keeps of its result a number: no row reaches whoever watches", async () => {
    const all = trace();
    const row = { id: "notes:1", title: "SECRET" };
    const written = { id: row.id, operationId: "op", status: "committed" as const };
    const db = await connected({
      statements: {
        create: async ({ returning }) => (returning ? { ...written, row } : written),
        read: async ({ id }) => (id === row.id ? row : undefined),
        find: async () => ({ items: [row, row], next: null }),
        count: async () => 2,
        query: async () => [[row, row], null, 7],
      },
    });
    await db.create("notes", { title: "SECRET" });
    await db.create("notes", { title: "SECRET" }, { returning: true });
    await db.read("notes:1");
    await db.read("notes:2");
    await db.find("notes", {});
    await db.count("notes");
    await db.query("SELECT 1");
    const ended = all.filter((one) => one.stage === "asyncEnd").map(({ event }) => event);
    expect(ended.map(({ kind, rows }) => [kind, rows])).toEqual([
      ["create", undefined],
      ["create", 1],
      ["read", 1],
      ["read", 0],
      ["find", 2],
      ["count", undefined],
      ["query", 3],
    ]);
    expect(ended.every((event) => "result" in event && event.result === undefined)).toBe(true);
    expect(inspect(ended, { depth: 9, showHidden: true, getters: true })).not.toContain("SECRET");
  });

  test("tells where it ran, in the tenant's own place under a scope, and when it began", async () => {
    const all = trace();
    const target = { system: "fakedb", namespace: "shop|main", address: "db.example", port: 8000 };
    const db = await connected({
      target,
      capabilities: { scopes: true },
      statements: { read: async () => undefined },
    });
    const before = performance.now();
    await db.read("notes:1");
    await db.withScope({ namespace: "tenant", database: "a" }).read("notes:1");
    const starts = all.filter((one) => one.stage === "start").map(({ event }) => event);
    expect(starts.map(({ namespace }) => namespace)).toEqual(["shop|main", "tenant|a"]);
    expect(starts.every((event) => event.target === target && event.startedAt >= before)).toBe(true);
  });

  test("tells the error that the caller gets", async () => {
    const all = trace();
    const db = await connected({ statements: { read: () => Promise.reject(new Error("raw")) } });
    const error = await failure(db.read("notes:1"));
    expect(all.find((one) => one.stage === "error")?.event.error).toBe(error);
  });

  test("has an end for whoever watches also when the driver never answers", async () => {
    const all = trace();
    const db = await connected({ statements: { create: hang } });
    const error = await failure(db.create("notes", {}, { timeoutMs: 5 }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
    expect(all.map((one) => one.stage)).toContain("asyncEnd");
    expect(all.find((one) => one.stage === "error")?.event.error).toBe(error);
  });

  test("costs nothing that can be seen while nobody listens: no event, no operation id", async () => {
    const db = await connected({ statements: { read: async () => undefined } });
    const publish = vi.spyOn(tracingChannel(CHANNELS.operation), "tracePromise");
    const cryptoCalls = vi.spyOn(crypto, "getRandomValues");
    await db.read("notes:1");
    expect(publish).not.toHaveBeenCalled();
    expect(cryptoCalls).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test("of a transaction is one, whatever stands inside", async () => {
    const all = trace();
    const db = await connected(new MemoryStore().parts());
    await db.transaction(async (tx) => {
      await tx.create("notes", {});
      await tx.count("notes");
    });
    expect(all.filter((one) => one.stage === "start").map((one) => one.event.kind)).toEqual(["transaction"]);
  });
});

describe("a change of state", () => {
  test("is published with where it came from", async () => {
    const all: StateEvent[] = [];
    const note = (event: unknown): void => void all.push(event as StateEvent);
    channel(CHANNELS.state).subscribe(note);
    ended.push(() => void channel(CHANNELS.state).unsubscribe(note));
    expect(CHANNELS.state).toBe("db:state");
    const target = { system: "fakedb" };
    const db = createDatabase({ driver: defineDriver({ name: "fake", target, statements: {} }) });
    await db.connect();
    await db.disconnect();
    expect(all.map(({ driver, from, to }) => [driver, from, to.name])).toEqual([
      ["fake", "disconnected", "connecting"],
      ["fake", "connecting", "connected"],
      ["fake", "connected", "closed"],
    ]);
    expect(all.every((event) => event.target === target)).toBe(true);
  });
});
