import { DatabaseErrorOf, type ErrorCode, type Layer } from "@db/core";
import type { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryStore, WriteQueue } from "../src/index.ts";
import { failure, rig, until, writesOf } from "./support/service.ts";

const error = (code: ErrorCode, effect: "none" | "unknown" = "none") =>
  new DatabaseErrorOf(code, `scripted ${code}`, { retryAfterMs: 1 } as never, { effect });

describe("order", () => {
  test("the writes of a record are applied strictly in order, records side by side", async () => {
    const { driver, queue } = await rig({ driver: { latencyMs: 5 } });
    queue.pause();
    for (let version = 1; version <= 20; version += 1) {
      for (let record = 0; record < 8; record += 1) {
        const id = `notes:${record}`;
        await queue.enqueue(
          version === 1 ? { kind: "create", id, data: { version } } : { kind: "update", id, data: { version } },
        );
      }
    }
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, queue.stats().inFlight);
    }, 1);
    queue.resume();
    await queue.barrier();
    clearInterval(watch);
    const versions = new Map<string, number[]>();
    for (const { operation } of driver.calls) {
      if (operation === undefined || !("data" in operation)) continue;
      versions.set(operation.id, [...(versions.get(operation.id) ?? []), Number(operation.data.version)]);
    }
    expect(versions.size).toBe(8);
    for (const found of versions.values()) expect(found).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(most).toBeGreaterThan(4);
  });

  test("no more records at a time than concurrency says, beginning with one", async () => {
    const { driver, queue } = await rig({ queue: { concurrency: 4 }, driver: { latencyMs: 2 } });
    queue.pause();
    for (let record = 0; record < 40; record += 1)
      await queue.enqueue({ kind: "create", id: `notes:${record}`, data: {} });
    const running: number[] = [];
    const { create } = driver.statements;
    let now = 0;
    (driver.statements as { create: typeof create }).create = async (operation, context) => {
      now += 1;
      running.push(now);
      try {
        return await create(operation, context);
      } finally {
        now -= 1;
      }
    };
    queue.resume();
    await queue.barrier();
    expect(running[0]).toBe(1);
    expect(Math.max(...running)).toBe(4);
  });

  test("a write that fails for a while holds up its own record only", async () => {
    const { driver, queue } = await rig();
    queue.pause();
    await queue.enqueue({ kind: "create", id: "notes:slow", data: { v: 1 } });
    await queue.enqueue({ kind: "update", id: "notes:slow", data: { v: 2 } });
    await queue.enqueue({ kind: "create", id: "notes:quick", data: {} });
    driver.failNext(
      (call) =>
        call.operation !== undefined && "id" in call.operation && call.operation.id === "notes:slow"
          ? error("CONFLICT")
          : undefined,
      { times: 3 },
    );
    queue.resume();
    await queue.barrier();
    expect(writesOf(driver)).toEqual(["create notes:quick", "create notes:slow", "update notes:slow"]);
  });
});

describe("outages", () => {
  test("replay begins by itself at the next connection, however often it is cut, and no attempt is counted", async () => {
    const { db, driver, queue } = await rig({ queue: { maxAttempts: 1 } });
    driver.goAway();
    for (let index = 0; index < 50; index += 1) await db.create("notes", { index }, { id: `notes:${index}` });
    for (let cut = 0; cut < 10; cut += 1) {
      driver.latencyMs = 1;
      driver.comeBack();
      const { acked } = queue.stats();
      await until(() => queue.stats().acked > acked || queue.stats().pending === 0);
      driver.goAway();
    }
    driver.comeBack();
    await queue.barrier();
    expect(await db.count("notes")).toBe(50);
    expect(queue.stats()).toMatchObject({ dead: 0, acked: 50, pending: 0 });
  });

  test.each<ErrorCode>(["CONNECTION_FAILED", "POOL_EXHAUSTED", "SERVICE_UNAVAILABLE", "AUTHENTICATION_FAILED"])(
    "%s while connected is waited out, without counting",
    async (code) => {
      const { driver, queue } = await rig({ queue: { maxAttempts: 1 } });
      driver.failNext(error(code), { times: 3 });
      await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
      await queue.barrier();
      expect(queue.stats()).toMatchObject({ dead: 0, acked: 1 });
    },
  );

  test("a black hole is an outage: timeouts count only while other writes go through", async () => {
    const { driver, queue } = await rig({ queue: { attemptTimeoutMs: 20, maxAttempts: 2 } });
    const release = driver.hang({ times: 5 });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await queue.barrier();
    release();
    expect(queue.stats()).toMatchObject({ dead: 0, acked: 1 });
  });

  test("a write that hangs alone becomes a dead letter, and others are served meanwhile", async () => {
    const { driver, queue } = await rig({ queue: { attemptTimeoutMs: 30, maxAttempts: 2 } });
    queue.pause();
    const others = setInterval(() => {
      queue.enqueue({ kind: "create", id: `notes:${Math.random()}`, data: {} }).catch(() => {});
    }, 2);
    await queue.enqueue({ kind: "update", id: "notes:bad", data: {} });
    driver.hang({ kind: "update", times: Number.POSITIVE_INFINITY });
    queue.resume();
    await until(() => queue.stats().dead === 1);
    clearInterval(others);
    expect((await queue.deadLetters())[0]).toMatchObject({ id: "notes:bad", lastError: { code: "QUERY_TIMEOUT" } });
    expect(queue.stats().acked).toBeGreaterThan(0);
  });
});

describe("failures that are the write's own", () => {
  test.each<ErrorCode>([
    "VALIDATION_FAILED",
    "PERMISSION_DENIED",
    "UNIQUE_VIOLATION",
    "FIELD_VIOLATION",
    "INVALID_QUERY",
    "UNSUPPORTED",
  ])("%s makes a dead letter after one attempt, and parks what follows in its record", async (code) => {
    const { driver, queue } = await rig();
    queue.pause();
    const { operationId } = await queue.enqueue({ kind: "create", id: "notes:1", data: { a: 1 } });
    await queue.enqueue({ kind: "update", id: "notes:1", data: { a: 2 } });
    await queue.enqueue({ kind: "create", id: "notes:2", data: {} });
    driver.failNext(error(code), { kind: "create" });
    queue.resume();
    await until(() => queue.stats().dead === 1);
    await queue.barrier();
    expect(queue.stats()).toMatchObject({ dead: 1, parked: 1, pending: 2, acked: 1, deadLettered: 1 });
    expect(await queue.deadLetters()).toEqual([
      expect.objectContaining({
        operationId,
        id: "notes:1",
        kind: "create",
        data: { a: 1 },
        attempts: 1,
        parked: 1,
        lastError: expect.objectContaining({ code, message: `scripted ${code}` }),
      }),
    ]);
    expect(queue.outcome(operationId)).toBe("dead");
  });

  test("an unknown failure makes one after maxAttempts", async () => {
    const { driver, queue } = await rig({ queue: { maxAttempts: 3 } });
    driver.failNext(error("INTERNAL"), { times: 3 });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await until(() => queue.stats().dead === 1);
    expect((await queue.deadLetters())[0]?.attempts).toBe(3);
    expect(driver.calls.filter(({ kind }) => kind === "create")).toHaveLength(3);
  });

  test("deleting what is gone is done; updating it is a dead letter", async () => {
    const { queue } = await rig();
    const gone = await queue.enqueue({ kind: "delete", id: "notes:1" });
    await queue.enqueue({ kind: "update", id: "notes:2", data: {} });
    await until(() => queue.stats().dead === 1);
    await queue.barrier();
    expect(queue.outcome(gone.operationId)).toBe("applied");
    expect((await queue.deadLetters())[0]).toMatchObject({ id: "notes:2", lastError: { code: "NOT_FOUND" } });
  });

  test("creating what is there is done if it is the same, else a dead letter; and is compared again after an outage", async () => {
    const { db, driver, queue } = await rig();
    await db.create("notes", { a: 1, d: new Date(5) }, { id: "notes:same" });
    await db.create("notes", { a: 1 }, { id: "notes:other" });
    driver.failNext(error("CONNECTION_FAILED"), { kind: "read" });
    const same = await queue.enqueue({ kind: "create", id: "notes:same", data: { d: new Date(5), a: 1 } });
    await until(() => queue.outcome(same.operationId) === "applied");
    await queue.enqueue({ kind: "create", id: "notes:other", data: { a: 2 } });
    await until(() => queue.stats().dead === 1);
    expect((await queue.deadLetters())[0]?.lastError?.code).toBe("ALREADY_EXISTS");
    expect(await db.read("notes:other")).toEqual({ id: "notes:other", a: 1 });
  });

  test("a comparison that cannot be made is tried again, and in the end left to an operator", async () => {
    const { db, driver, queue } = await rig({ queue: { maxAttempts: 2 } });
    await db.create("notes", {}, { id: "notes:1" });
    driver.failNext(error("PERMISSION_DENIED"), { kind: "read", times: 2 });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await until(() => queue.stats().dead === 1);
    expect((await queue.deadLetters())[0]).toMatchObject({ attempts: 2, lastError: { code: "PERMISSION_DENIED" } });
  });
});

describe("effectively once", () => {
  test("an answer that is lost again and again counts an increment once", async () => {
    const { db, driver, queue } = await rig();
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update", when: "after", times: 4 });
    await queue.enqueue({ kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" });
    await queue.barrier();
    expect(driver.calls.filter(({ kind }) => kind === "update")).toHaveLength(5);
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 1 });
  });

  test("without a ledger an increment of unknown effect is left to an operator, and others are repeated", async () => {
    const { db, driver, queue } = await rig({ driver: { capabilities: { idempotentWrites: false } } });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    await db.create("notes", { n: 0 }, { id: "notes:1" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update", when: "after" });
    await queue.enqueue({ kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" });
    await until(() => queue.stats().dead === 1);
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update", when: "after" });
    await queue.enqueue({ kind: "update", id: "notes:1", data: { n: 7 } });
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 7 });
    expect((await queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
  });

  test("an attempt before the one whose error is told may have been applied, too", async () => {
    const attempts: Layer = (next) => (operation, context) =>
      next(operation, context).then(undefined, () => next(operation, context.with({ attempt: 2 })));
    const { driver, db, queue } = await rig({ layers: [attempts], queue: { ledgerRetentionMs: 30 } });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update", when: "after" });
    driver.failNext(error("CONNECTION_FAILED"), { kind: "update", times: 2 });
    queue.pause();
    expect(await db.update("counters:1", { n: 1 }, { mode: "increment" })).toMatchObject({ status: "queued" });
    await new Promise((resolve) => {
      setTimeout(resolve, 40);
    });
    queue.resume();
    await until(() => queue.stats().dead === 1);
    expect((await queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
  });

  test("what may have been applied longer ago than the ledger remembers is never applied", async () => {
    const store = new MemoryStore();
    const { driver, db, queue } = await rig({ queue: { store, ledgerRetentionMs: 50 } });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.failNext(error("CONNECTION_FAILED", "unknown"), { kind: "update" });
    queue.pause();
    await db.update("counters:1", { n: 1 }, { mode: "increment" });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await new Promise((resolve) => {
      setTimeout(resolve, 60);
    });
    queue.resume();
    await until(() => queue.stats().dead === 1);
    await queue.barrier();
    expect((await queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
    // Nor when an operator has it tried again.
    expect(await queue.redrive("counters:1")).toBe(1);
    await until(() => queue.stats().deadLettered === 2);
    expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 0 });
    expect(await db.exists("notes:1")).toBe(true);
  });
});

describe("a restart", () => {
  test("entries, dead letters, attempts and outcomes are there again", async () => {
    const store = new MemoryStore();
    const first = await rig({ queue: { store, maxAttempts: 2 } });
    const applied = await first.queue.enqueue({ kind: "create", id: "notes:0", data: {} });
    first.driver.failNext(error("INTERNAL"), { kind: "update", times: 2 });
    const dead = await first.queue.enqueue({ kind: "update", id: "notes:0", data: {} });
    await until(() => first.queue.stats().dead === 1);
    first.queue.pause();
    const waiting = await first.queue.enqueue({ kind: "create", id: "notes:1", data: { a: 1 } });
    const behind = await first.queue.enqueue({ kind: "update", id: "notes:0", data: { b: 1 } });
    await first.db.disconnect();
    await first.queue.close();

    const second = await rig({ queue: { store }, connect: false });
    expect(second.queue.stats()).toMatchObject({ pending: 3, dead: 1, parked: 1, state: "waiting" });
    expect([applied, dead, waiting, behind].map(({ operationId }) => second.queue.outcome(operationId))).toEqual([
      "applied",
      "dead",
      "waiting",
      "waiting",
    ]);
    expect((await second.queue.deadLetters())[0]).toMatchObject({ attempts: 2, lastError: { code: "INTERNAL" } });
    await second.db.connect();
    await second.queue.barrier();
    expect(await second.db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
    const again = await second.queue.enqueue({ kind: "create", id: "notes:9", data: {} });
    expect(again.seq).toBeGreaterThan(behind.seq);
  });

  const pauseMs = (ms: number) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });

  /** For a process that is no more: an attempt that came to its own end would have it go on. */
  const hangForGood = (driver: MockDatabase): void => {
    driver.hang({ kind: "create" });
    onTestFinished(() => driver.goAway());
  };

  test("what was in flight at a crash long ago is not applied any more", async () => {
    const store = new MemoryStore();
    const { queue, driver } = await rig({ queue: { store } });
    hangForGood(driver);
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await until(() => queue.stats().inFlight === 1);
    await pauseMs(30);
    // What is in the store at this moment is what a crash would leave.
    const after = await rig({ queue: { store, ledgerRetentionMs: 20 } });
    await until(() => after.queue.stats().dead === 1);
    expect((await after.queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
    expect(after.driver.calls.filter(({ kind }) => kind === "create")).toEqual([]);
  });

  test("without a ledger an increment that waited at a crash is left to an operator; what can be repeated is", async () => {
    const store = new MemoryStore();
    const driver = { capabilities: { idempotentWrites: false } } as const;
    const before = await rig({ queue: { store }, driver });
    hangForGood(before.driver);
    await before.queue.enqueue({ kind: "create", id: "notes:1", data: { n: 1 } });
    await until(() => before.queue.stats().inFlight === 1);
    await before.queue.enqueue({ kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" });
    const { driver: database, queue, db } = await rig({ queue: { store }, driver });
    await until(() => queue.stats().dead === 1);
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 1 });
    expect((await queue.deadLetters())[0]).toMatchObject({
      id: "counters:1",
      lastError: { code: "OUTCOME_UNKNOWN", message: expect.not.stringContaining("(") },
    });
    expect(database.calls.filter(({ kind }) => kind === "update")).toEqual([]);
  });

  test("what was stored at an orderly end is applied however long ago that was", async () => {
    const store = new MemoryStore();
    const { queue, db } = await rig({ queue: { store } });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await queue.barrier();
    queue.pause();
    await queue.enqueue({ kind: "create", id: "notes:2", data: {} });
    await db.disconnect();
    await queue.close();
    await pauseMs(30);
    const after = await rig({ queue: { store, ledgerRetentionMs: 20 } });
    await after.queue.barrier();
    expect(after.queue.stats()).toMatchObject({ dead: 0, acked: 1 });
  });
});

test("pause stops what has not begun, and resume goes on", async () => {
  const { queue } = await rig();
  queue.pause();
  const { operationId } = await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  expect(queue.stats().state).toBe("paused");
  expect(queue.outcome(operationId)).toBe("waiting");
  const waiting = queue.barrier();
  queue.resume();
  await waiting;
  expect(queue.outcome(operationId)).toBe("applied");
});

test("disconnect() stops the replay: what is in flight has until the deadline, the rest stays stored", async () => {
  const { db, driver, queue } = await rig();
  driver.latencyMs = 20;
  for (let index = 0; index < 5; index += 1) await queue.enqueue({ kind: "create", id: "notes:1", data: { index } });
  await until(() => queue.stats().inFlight === 1);
  await db.disconnect();
  expect(queue.stats()).toMatchObject({ inFlight: 0, state: "detached" });
  expect(queue.stats().pending).toBeGreaterThan(0);
  expect((await failure(db.create("notes", {}))).code).toBe("CLOSED");
});

test("close() while a write is in flight does not wait for its answer, and keeps it", async () => {
  const store = new MemoryStore();
  const { driver, queue } = await rig({ queue: { store, attemptTimeoutMs: 600_000 } });
  driver.hang({ kind: "create" });
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await until(() => queue.stats().inFlight === 1);
  await queue.close();
  await using again = await WriteQueue.open({ store });
  expect(again.stats().pending).toBe(1);
});
