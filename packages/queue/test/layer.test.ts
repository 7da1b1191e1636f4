import { attemptTimeout, DatabaseErrorOf, type ErrorCode } from "@db/core";
import { retryLayer } from "@db/retry/layer";
import { describe, expect, test } from "vitest";
import { json, MemoryStore } from "../src/index.ts";
import { failure, rig, until, writesOf } from "./support/service.ts";

const error = (code: ErrorCode, effect: "none" | "unknown" = "none") =>
  new DatabaseErrorOf(code, "scripted", { retryAfterMs: 1 } as never, { effect });

describe("while the database is there", () => {
  test("writes go straight through, under the ledger and without waiting for a connection", async () => {
    const { db, driver, queue } = await rig();
    expect(await db.create("notes", { n: 1 }, { id: "notes:1" })).toMatchObject({ id: "notes:1", status: "committed" });
    expect(driver.calls.at(-1)).toMatchObject({ kind: "create", ledger: true, whenAway: "fail", origin: "call" });
    expect(queue.stats()).toMatchObject({ pending: 0, enqueued: 0, state: "idle" });
  });

  test("a driver without a ledger is not asked for one", async () => {
    const { db, driver } = await rig({ driver: { capabilities: { idempotentWrites: false } } });
    await db.create("notes", { n: 1 });
    expect(driver.calls.at(-1)?.ledger).toBe(false);
  });

  test.each<ErrorCode>([
    "POOL_EXHAUSTED",
    "CONFLICT",
    "VALIDATION_FAILED",
    "FIELD_VIOLATION",
    "UNIQUE_VIOLATION",
    "PERMISSION_DENIED",
    "QUERY_TIMEOUT",
    "CLOSED",
    "INTERNAL",
  ])("%s that changed nothing is the caller's to know, and nothing is stored", async (code) => {
    const { db, driver, queue } = await rig();
    driver.failNext(error(code));
    expect((await failure(db.create("notes", {}))).code).toBe(code);
    expect(queue.stats().enqueued).toBe(0);
  });
});

describe("while the database is away", () => {
  test("creates, updates and deletes are stored and answered with the record's own id", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    const created = await db.create("notes", { n: 1 }, { id: "notes:1", operationId: "op-1" });
    expect(created).toEqual({ id: "notes:1", operationId: "op-1", status: "queued" });
    expect(await db.update("notes:1", { n: 2 })).toMatchObject({ status: "queued" });
    expect(await db.update("notes:1", { n: 3 }, { mode: "increment" })).toMatchObject({ status: "queued" });
    expect(await db.delete("notes:2")).toMatchObject({ status: "queued" });
    expect(queue.stats()).toMatchObject({ pending: 4, lanes: 2, state: "waiting" });
    driver.comeBack();
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 5 });
    expect(queue.stats()).toMatchObject({ acked: 4, dead: 0 });
  });

  test.each<[ErrorCode, "none" | "unknown"]>([
    ["CONNECTION_FAILED", "none"],
    ["CONNECTION_FAILED", "unknown"],
    ["NOT_CONNECTED", "none"],
    ["SERVICE_UNAVAILABLE", "none"],
    ["QUERY_TIMEOUT", "unknown"],
    ["INTERNAL", "unknown"],
  ])("a write that ends with %s, effect %s, is stored and applied once", async (code, effect) => {
    const { db, driver, queue } = await rig();
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.failNext(error(code, effect), { kind: "update", when: effect === "unknown" ? "after" : "before" });
    expect(await db.update("counters:1", { n: 1 }, { mode: "increment" })).toMatchObject({ status: "queued" });
    await queue.barrier();
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 1 });
  });

  test("a call that runs out of time in a black hole is stored within the grace, and applied once", async () => {
    const { db, driver, queue } = await rig({ timeoutMs: 50 });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.hang({ kind: "update", when: "after" });
    expect(await db.update("counters:1", { n: 1 }, { mode: "increment" })).toMatchObject({ status: "queued" });
    await queue.barrier();
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 1 });
  });

  test("a caller who gave up gets CANCELLED, and nothing is stored behind his back", async () => {
    const { db, driver, queue } = await rig();
    driver.hang({ kind: "create" });
    const controller = new AbortController();
    const call = failure(db.create("notes", {}, { signal: controller.signal }));
    await until(() => driver.calls.at(-1)?.kind === "create");
    controller.abort();
    expect(await call).toMatchObject({ code: "CANCELLED", effect: "unknown" });
    expect(queue.stats().enqueued).toBe(0);
  });

  test("without a ledger a write of unknown effect is not stored, except a create, which is compared", async () => {
    const { db, driver, queue } = await rig({ driver: { capabilities: { idempotentWrites: false } } });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update", when: "after" });
    const lost = await failure(db.update("counters:1", { n: 1 }, { mode: "increment" }));
    expect(lost).toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "create", when: "after" });
    expect(await db.create("notes", { a: 1 }, { id: "notes:1" })).toMatchObject({ status: "queued" });
    await queue.barrier();
    expect(queue.stats()).toMatchObject({ dead: 0, acked: 1 });
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 1 });
  });

  test("guarded writes, and those that want the row back, are never stored", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    const options = { timeoutMs: 20 };
    expect((await failure(db.update("notes:1", {}, { expect: { a: 1 }, ...options }))).code).toBe("QUERY_TIMEOUT");
    expect((await failure(db.delete("notes:1", { expect: { a: 1 }, ...options }))).code).toBe("QUERY_TIMEOUT");
    expect((await failure(db.create("notes", {}, { returning: true, ...options }))).code).toBe("QUERY_TIMEOUT");
    expect(queue.stats().enqueued).toBe(0);
  });

  test("find, count, query and transactions are not the queue's", async () => {
    const { db, driver } = await rig();
    driver.goAway({ unavailableAfterMs: 0 });
    for (const call of [() => db.find("notes"), () => db.count("notes"), () => db.transaction(async () => {})]) {
      expect((await failure(call())).code).toBe("SERVICE_UNAVAILABLE");
    }
  });
});

describe("limits of what is taken", () => {
  test("past the driver's limit nothing more is stored; waiting writes stay", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    await db.create("notes", {}, { id: "notes:1" });
    driver.goAway({ unavailableAfterMs: 0, retryAfterMs: 5_000 });
    expect((await failure(db.create("notes", {}))).code).toBe("SERVICE_UNAVAILABLE");
    const behind = await failure(db.update("notes:1", {}));
    expect(behind).toMatchObject({ code: "SERVICE_UNAVAILABLE", effect: "none" });
    expect((behind.facts as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(3_000);
    expect(queue.stats()).toMatchObject({ pending: 1, rejected: { unavailable: 2 } });
  });

  test("with acceptWhileUnavailable it is stored all the same", async () => {
    const { db, driver, queue } = await rig({ queue: { acceptWhileUnavailable: true } });
    driver.goAway({ unavailableAfterMs: 0 });
    expect(await db.create("notes", {})).toMatchObject({ status: "queued" });
    expect(queue.stats().pending).toBe(1);
  });

  test("before connect() and before the first connection nothing is stored", async () => {
    const { db, driver, queue } = await rig({ connect: false });
    expect((await failure(db.create("notes", {}))).code).toBe("NOT_CONNECTED");
    driver.goAway();
    const connecting = db.connect();
    await until(() => driver.state.name === "connecting");
    expect((await failure(db.create("notes", {}))).code).toBe("SERVICE_UNAVAILABLE");
    expect(queue.stats().enqueued).toBe(0);
    driver.comeBack();
    await connecting;
  });

  test("a service restarted in the middle of an outage takes writes with acceptWhileUnavailable", async () => {
    const { db, driver, queue } = await rig({ connect: false, queue: { acceptWhileUnavailable: true } });
    expect((await failure(db.create("notes", {}))).code).toBe("NOT_CONNECTED");
    driver.goAway();
    const connecting = db.connect();
    await until(() => driver.state.name === "connecting");
    expect(await db.create("notes", { n: 1 }, { id: "notes:1" })).toMatchObject({ status: "queued" });
    driver.comeBack();
    await connecting;
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 1 });
  });

  test("a full queue says so, with the outage still to be read from the state", async () => {
    const { db, driver, queue } = await rig({ queue: { maxEntries: 1 } });
    driver.goAway();
    await db.create("notes", {});
    expect(await failure(db.create("notes", {}))).toMatchObject({
      code: "QUEUE_FULL",
      effect: "none",
      retryable: true,
    });
    expect(queue.stats().rejected.full).toBe(1);
  });

  test("a write too large for the queue gets the error of the outage, which is what can pass", async () => {
    const { db, driver } = await rig({ queue: { maxEntryBytes: 1_024 } });
    driver.goAway();
    expect((await failure(db.create("notes", { text: "x".repeat(2_000) }))).code).toBe("CONNECTION_FAILED");
  });

  test("a closed queue leaves the outage to the caller", async () => {
    const { db, driver, queue } = await rig();
    await queue.close();
    driver.goAway();
    expect((await failure(db.create("notes", {}))).code).toBe("CONNECTION_FAILED");
  });
});

describe("order of one record", () => {
  test("a live write never overtakes waiting ones, also when the database is back", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    await db.create("notes", { v: 1 }, { id: "notes:1" });
    queue.pause();
    driver.comeBack();
    expect(await db.update("notes:1", { v: 2 })).toMatchObject({ status: "queued" });
    expect(await db.update("notes:2", { v: 1 }).catch((thrown) => thrown.code)).toBe("NOT_FOUND");
    queue.resume();
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", v: 2 });
    expect(writesOf(driver)).toEqual(["create notes:1", "update notes:1"]);
  });

  test("the same key of two tenants is two records", async () => {
    const { db, driver, queue } = await rig();
    const [a, b] = ["a", "b"].map((database) => db.withScope({ namespace: "app", database }));
    driver.goAway();
    await a?.create("notes", { of: "a" }, { id: "notes:1" });
    await b?.create("notes", { of: "b" }, { id: "notes:1" });
    expect(queue.stats().lanes).toBe(2);
    driver.comeBack();
    await queue.barrier("notes:1", { scope: { namespace: "app", database: "a" } });
    await queue.barrier();
    expect(await a?.read("notes:1")).toEqual({ id: "notes:1", of: "a" });
    expect(await b?.read("notes:1")).toEqual({ id: "notes:1", of: "b" });
  });

  test("a guarded write waits for the stored ones of its record, and then runs", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    await db.create("notes", { v: 1 }, { id: "notes:1" });
    queue.pause();
    driver.comeBack();
    const guarded = db.update("notes:1", { v: 2 }, { expect: { v: 1 } });
    await until(() => driver.state.name === "connected");
    queue.resume();
    expect(await guarded).toMatchObject({ status: "committed" });
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", v: 2 });
  });

  test("a write too large for the queue waits for the stored ones of its record, and then runs", async () => {
    const { db, driver, queue } = await rig({ queue: { maxEntryBytes: 1_024 } });
    driver.goAway();
    await db.create("notes", { v: 1 }, { id: "notes:1" });
    queue.pause();
    driver.comeBack();
    const large = db.update("notes:1", { text: "x".repeat(2_000) });
    await until(() => queue.stats().rejected.too_large === 1);
    queue.resume();
    expect(await large).toMatchObject({ status: "committed" });
    expect(await db.read("notes:1")).toMatchObject({ v: 1, text: expect.stringContaining("xx") });
  });

  test("a codec that fails leaves the outage to the caller", async () => {
    const encode = (): never => {
      throw new RangeError("too deep");
    };
    const { db, driver, queue } = await rig({ queue: { codec: { ...json, encode } } });
    driver.goAway();
    expect((await failure(db.create("notes", {}))).code).toBe("CONNECTION_FAILED");
    expect(queue.stats().pending).toBe(0);
  });

  test("a guarded write behind a dead letter is refused at once", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    await db.update("notes:1", { v: 1 });
    const before = failure(db.update("notes:1", { v: 2 }, { expect: { v: 1 } }));
    driver.comeBack();
    expect(await before).toMatchObject({ code: "CONFLICT", retryable: false, effect: "none" });
    await until(() => queue.stats().dead === 1);
    expect((await failure(db.delete("notes:1", { expect: {} }))).code).toBe("CONFLICT");
  });

  test("a guarded write that waits ends with its deadline or its signal", async () => {
    const { db, driver, queue } = await rig();
    driver.goAway();
    await db.create("notes", { v: 1 }, { id: "notes:1" });
    queue.pause();
    driver.comeBack();
    const guarded = { expect: { v: 1 } };
    expect(await failure(db.update("notes:1", {}, { ...guarded, timeoutMs: 20 }))).toMatchObject({
      code: "QUERY_TIMEOUT",
      effect: "none",
    });
    const signal = AbortSignal.timeout(20);
    expect(await failure(db.update("notes:1", {}, { ...guarded, signal }))).toMatchObject({
      code: "CANCELLED",
      effect: "none",
    });
  });
});

describe("readYourWrites", () => {
  test("a read during the outage answers with a waiting create and all that follows it", async () => {
    const { db, driver } = await rig({ queue: { readYourWrites: true } });
    driver.goAway();
    await db.create("notes", { a: 1, b: 2 }, { id: "notes:1" });
    await db.update("notes:1", { a: 5 }, { mode: "increment" });
    await db.update("notes:1", { b: undefined });
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 6 });
    expect(await db.exists("notes:1")).toBe(true);
    await db.delete("notes:1");
    expect(await db.read("notes:1")).toBeUndefined();
  });

  test("an update stands on what the database has, once that can be asked", async () => {
    const { db, driver, queue } = await rig({ queue: { readYourWrites: true } });
    await db.create("notes", { a: 1 }, { id: "notes:1" });
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
    driver.goAway({ unavailableAfterMs: 0 });
    queue.pause();
    await queue.enqueue({ kind: "update", id: "notes:1", data: { b: 2 } });
    expect((await failure(db.read("notes:1"))).code).toBe("SERVICE_UNAVAILABLE");
    driver.comeBack();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1, b: 2 });
    expect(await db.read("notes:2")).toBeUndefined();
  });

  test("a write that will be refused ends the view, and a dead letter is not in it", async () => {
    const { db, driver, queue } = await rig({ queue: { readYourWrites: true } });
    queue.pause();
    await queue.enqueue({ kind: "create", id: "notes:1", data: { a: 1 } });
    await queue.enqueue({ kind: "create", id: "notes:1", data: { a: 2 } });
    await queue.enqueue({ kind: "update", id: "notes:1", data: { b: 1 } });
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
    queue.resume();
    await until(() => queue.stats().dead === 1);
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
    expect(driver.calls.at(-1)?.kind).toBe("read");
  });

  test("what is applied while the database answers is not counted twice", async () => {
    const { db, queue } = await rig({
      queue: { readYourWrites: true },
      layers: [
        (next) => async (operation, context) => {
          const found = await next(operation, context);
          if (operation.kind === "read" && queue.stats().state === "paused") {
            queue.resume();
            await until(() => queue.stats().lanes === 0);
          }
          return found;
        },
      ],
    });
    await db.create("counters", { n: 1 }, { id: "counters:1" });
    queue.pause();
    await queue.enqueue({ kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" });
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 2 });
  });

  test("a damaged entry ends the view", async () => {
    const store = new MemoryStore();
    const read = store.read.bind(store);
    store.read = async (seqs) =>
      (await read(seqs)).map((bytes, index) => (index === 1 ? bytes?.map((byte) => byte ^ 1) : bytes));
    const { db, queue } = await rig({ queue: { store, readYourWrites: true } });
    queue.pause();
    for (const v of [1, 2, 3]) await queue.enqueue({ kind: v === 1 ? "create" : "update", id: "notes:1", data: { v } });
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", v: 1 });
  });

  test("without it a read sees what the database has", async () => {
    const { db, queue } = await rig();
    queue.pause();
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    expect(await db.read("notes:1")).toBeUndefined();
  });
});

test("in the reference order retry leaves an outage to the queue, and a replay is tried once", async () => {
  const { db, driver, queue } = await rig({
    layers: [retryLayer({ maxAttempts: 3, backoff: { baseMs: 1 } }), attemptTimeout({ timeoutMs: 1_000 })],
  });
  driver.goAway();
  expect(await db.create("notes", {}, { id: "notes:1" })).toMatchObject({ status: "queued" });
  driver.failNext(error("CONFLICT"), { kind: "create" });
  driver.comeBack();
  await queue.barrier();
  const replays = driver.calls.filter(({ kind, origin }) => kind === "create" && origin === "replay");
  expect(replays.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, "failed"],
    [2, "done"],
  ]);
});

test("one queue serves one service at a time, and another after that one is closed", async () => {
  const { createDatabase } = await import("@db/core");
  const { MockDatabase } = await import("@db/testing");
  const { db, driver, queue } = await rig();
  expect(() => createDatabase({ driver: new MockDatabase(), layers: [queue.layer] })).toThrow(
    "expected a queue that no other service uses",
  );
  driver.goAway();
  await db.create("notes", {}, { id: "notes:1" });
  await db.disconnect();
  expect(queue.stats()).toMatchObject({ state: "detached", pending: 1 });
  const second = new MockDatabase();
  await using other = createDatabase({ driver: second, layers: [queue.layer] });
  await other.connect();
  await queue.barrier();
  expect(await other.exists("notes:1")).toBe(true);
});

test("readYourWrites counts every waiting write of a record, however many there are", { timeout: 30_000 }, async () => {
  const { db, queue, driver } = await rig({ queue: { readYourWrites: true } });
  await db.create("counters", { n: 0 }, { id: "counters:1" });
  driver.goAway();
  queue.pause();
  const increment = { kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" } as const;
  await Promise.all(Array.from({ length: 10_001 }, () => queue.enqueue(increment)));
  driver.comeBack();
  await until(() => driver.state.name === "connected");
  expect((await db.read("counters:1"))?.n).toBe(10_001);
});

test("readYourWrites answers with what the database has where a waiting write cannot be decoded", async () => {
  const broken = { ...json, id: 70, name: "own", encode: () => "{" };
  const { db, queue } = await rig({ queue: { readYourWrites: true, codec: broken } });
  await db.create("notes", { a: 1 }, { id: "notes:1" });
  queue.pause();
  await queue.enqueue({ kind: "update", id: "notes:1", data: { a: 2 } });
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
});
