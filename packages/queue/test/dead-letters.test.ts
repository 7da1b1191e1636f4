import { DatabaseErrorOf } from "@db/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { json, MemoryStore } from "../src/index.ts";
import { failure, type Rig, rig, until, writesOf } from "./support/service.ts";

/** Three dead letters: notes:0, notes:1, notes:2, each with a write behind it. */
async function dead(): Promise<Rig & { readonly operationIds: readonly string[] }> {
  const rigged = await rig();
  const { driver, queue } = rigged;
  queue.pause();
  const operationIds: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const id = `notes:${index}`;
    operationIds.push((await queue.enqueue({ kind: "create", id, data: { index } })).operationId);
    await queue.enqueue({ kind: "update", id, data: { more: true } });
  }
  driver.failNext(new DatabaseErrorOf("FIELD_VIOLATION", "refused", { field: "index" }), { kind: "create", times: 3 });
  queue.resume();
  await until(() => queue.stats().dead === 3);
  return { ...rigged, operationIds };
}

test("a list is in the order of the queue, in pages", async () => {
  const { queue } = await dead();
  const [first, second, third] = await queue.deadLetters();
  expect([first, second, third].map((letter) => letter?.id)).toEqual(["notes:0", "notes:1", "notes:2"]);
  const page = await queue.deadLetters({ limit: 2 });
  expect(page).toEqual([first, second]);
  expect(await queue.deadLetters({ limit: 2, afterSeq: page[1]?.seq ?? 0 })).toEqual([third]);
  expect((await failure(queue.deadLetters({ limit: 0 }))).code).toBe("VALIDATION_FAILED");
});

test("redrive by operation id, record id or seq tries it again, and what stands behind follows", async () => {
  const { db, queue, operationIds } = await dead();
  const seq = (await queue.deadLetters())[2]?.seq ?? 0;
  expect(await queue.redrive(operationIds[0] ?? "")).toBe(1);
  expect(await queue.redrive("notes:1")).toBe(1);
  expect(await queue.redrive(seq)).toBe(1);
  await queue.barrier();
  for (let index = 0; index < 3; index += 1)
    expect(await db.read(`notes:${index}`)).toEqual({ id: `notes:${index}`, index, more: true });
  expect(queue.stats()).toMatchObject({ dead: 0, redriven: 3, pending: 0 });
});

test("a redriven write has all its attempts again", async () => {
  const { driver, queue } = await rig({ queue: { maxAttempts: 2 } });
  driver.failNext(new DatabaseErrorOf("INTERNAL", "odd", {}), { times: 3 });
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await until(() => queue.stats().dead === 1);
  await queue.redrive("notes:1");
  await queue.barrier();
  expect(queue.stats()).toMatchObject({ dead: 0, acked: 1 });
});

test("discard gives one up for good, and what stands behind goes on", async () => {
  const { queue, operationIds } = await dead();
  expect(await queue.discard("notes:0", "a duplicate")).toBe(1);
  await until(() => queue.stats().dead === 3);
  // The update behind it finds no record now, and is the next dead letter of that record.
  const letters = await queue.deadLetters();
  expect(letters.map(({ id, kind }) => `${kind} ${id}`)).toEqual([
    "update notes:0",
    "create notes:1",
    "create notes:2",
  ]);
  expect(letters[0]?.lastError?.code).toBe("NOT_FOUND");
  expect(queue.outcome(operationIds[0] ?? "")).toBe("dead");
  expect(queue.stats()).toMatchObject({ discarded: 1, damaged: 0 });
});

test("what is discarded is never applied, also while the store is busy", async () => {
  const store = new MemoryStore();
  const { driver, queue } = await rig({ queue: { store } });
  driver.failNext(new DatabaseErrorOf("FIELD_VIOLATION", "refused", { field: "a" }), { kind: "create" });
  await queue.enqueue({ kind: "create", id: "notes:1", data: { a: 1 } });
  await until(() => queue.stats().dead === 1);
  const gate = Promise.withResolvers<void>();
  const commit = store.commit.bind(store);
  store.commit = async (batch) => {
    await gate.promise;
    await commit(batch);
  };
  const busy = queue.enqueue({ kind: "create", id: "notes:2", data: {} });
  // Its commit has begun.
  await new Promise((resolve) => setImmediate(resolve));
  const discarded = queue.discard("notes:1", "a mistake");
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  expect(await discarded).toBe(1);
  await busy;
  await queue.barrier();
  expect(writesOf(driver)).toEqual(["create notes:2"]);
  expect(queue.stats()).toMatchObject({ dead: 0, damaged: 0 });
});

test("what is no dead letter is not touched", async () => {
  const { queue } = await dead();
  expect(await queue.redrive("notes:9")).toBe(0);
  expect(await queue.discard("nobody", "x")).toBe(0);
  expect(await queue.discard(10_000, "x")).toBe(0);
  expect((await failure(queue.discard("notes:0", " "))).code).toBe("VALIDATION_FAILED");
  expect((await failure(queue.redrive(undefined as never))).code).toBe("VALIDATION_FAILED");
  expect(queue.stats().dead).toBe(3);
});

test("a barrier passes dead letters, and waits for those that are redriven meanwhile", async () => {
  const { driver, queue } = await dead();
  await queue.barrier();
  await queue.barrier("notes:0");
  driver.latencyMs = 5;
  queue.pause();
  await queue.enqueue({ kind: "create", id: "notes:other", data: {} });
  let passed = false;
  const barrier = queue.barrier().then(() => {
    passed = true;
  });
  await queue.redrive("notes:1");
  queue.resume();
  await barrier;
  expect(passed).toBe(true);
  expect(queue.stats()).toMatchObject({ dead: 2, acked: 3 });
});

test("a barrier honours its signal, and needs a record id that is one", async () => {
  const { driver, queue } = await rig();
  driver.goAway();
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await queue.barrier("notes:2");
  expect((await failure(queue.barrier(undefined, { signal: AbortSignal.timeout(10) }))).code).toBe("CANCELLED");
  expect((await failure(queue.barrier("notes:1", { signal: AbortSignal.abort() }))).code).toBe("CANCELLED");
  expect((await failure(queue.barrier("notes"))).code).toBe("INVALID_RECORD_ID");
  const waiting = queue.barrier("notes:1");
  driver.comeBack();
  await waiting;
});

test("an outcome is remembered for its time, and what was never seen is unknown", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { queue } = await rig({ queue: { outcomeRetentionMs: 30_000 } });
  const { operationId } = await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await queue.barrier();
  vi.setSystemTime(Date.now() + 29_999);
  expect(queue.outcome(operationId)).toBe("applied");
  vi.setSystemTime(Date.now() + 2);
  expect(queue.outcome(operationId)).toBe("unknown");
  expect(queue.outcome("never")).toBe("unknown");
});

test("an entry that its codec cannot read is a dead letter that tells its operation id; a repeat of it is not stored", async () => {
  const decode = (): never => {
    throw new TypeError("an older version of the codec");
  };
  const { queue, driver } = await rig({ queue: { codec: { ...json, decode } } });
  const options = { operationId: "op-1", fingerprint: "a" };
  const receipt = await queue.enqueue({ kind: "create", id: "notes:1", data: {} }, options);
  await until(() => queue.stats().dead === 1);
  expect(queue.stats()).toMatchObject({ damaged: 1, pending: 1 });
  expect((await queue.deadLetters())[0]).toMatchObject({
    operationId: "op-1",
    id: undefined,
    data: undefined,
    lastError: { code: "STORAGE_DAMAGED", message: expect.stringContaining("(TypeError)") },
  });
  const again = { ...options, fingerprint: "b" };
  expect(await queue.enqueue({ kind: "create", id: "notes:1", data: {} }, again)).toEqual(receipt);
  expect(driver.calls.filter(({ kind }) => kind === "create")).toEqual([]);
  expect(await queue.discard("op-1", "cannot be read")).toBe(1);
});

test("a barrier for one record is open as soon as that one's writes are applied, whatever others do", async () => {
  const { queue, driver } = await rig();
  driver.hang({ kind: "update" });
  queue.pause();
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await queue.enqueue({ kind: "delete", id: "notes:2" });
  await queue.enqueue({ kind: "update", id: "notes:3", data: {} });
  const one = queue.barrier("notes:1");
  const other = queue.barrier("notes:2");
  queue.resume();
  await Promise.all([one, other]);
  const hanging = failure(queue.barrier("notes:3"));
  await queue.close();
  expect((await hanging).code).toBe("CLOSED");
});

test("a write whose last attempt may have been applied is not tried again once the ledger has forgotten it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { driver, queue } = await rig({ queue: { maxAttempts: 1, ledgerRetentionMs: 1_000 } });
  driver.failNext(new DatabaseErrorOf("TRANSACTION_FAILED", "odd", { phase: "commit" }), {
    kind: "create",
    when: "after",
  });
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await until(() => queue.stats().dead === 1);
  driver.clearCalls();
  vi.setSystemTime(Date.now() + 1_001);
  await queue.redrive("notes:1");
  await until(() => queue.stats().pending === queue.stats().dead);
  expect(driver.calls).toEqual([]);
  expect((await queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
});

test("a decision that could not be stored yet, and is in force, is not told as one without effect", async () => {
  const store = new MemoryStore();
  const { driver, queue } = await rig({ queue: { store } });
  driver.failNext(new DatabaseErrorOf("FIELD_VIOLATION", "refused", { field: "a" }), { kind: "create", times: 2 });
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} }, { operationId: "op-1" });
  await queue.enqueue({ kind: "create", id: "notes:2", data: {} }, { operationId: "op-2" });
  await until(() => queue.stats().dead === 2);
  await queue.redrive("none");
  const commit = store.commit.bind(store);
  store.commit = () => Promise.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
  expect(await failure(queue.redrive("op-1"))).toMatchObject({ code: "QUEUE_FULL", effect: "unknown" });
  expect(await failure(queue.discard("op-2", "no use"))).toMatchObject({
    code: "QUEUE_FULL",
    effect: "unknown",
  });
  store.commit = commit;
  await until(() => queue.outcome("op-1") === "applied" && queue.outcome("op-2") === "dead");
});

test("a queue that is closed lists, redrives, discards and exports nothing", async () => {
  const store = new MemoryStore();
  const { driver, queue } = await rig({ queue: { store } });
  driver.failNext(new DatabaseErrorOf("FIELD_VIOLATION", "refused", { field: "a" }), { kind: "create" });
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await until(() => queue.stats().dead === 1);
  await queue.close();
  const calls = [
    () => queue.deadLetters(),
    () => queue.redrive("notes:1"),
    () => queue.discard("notes:1", "no use"),
    () => queue.exportTo("/nowhere/at/all"),
    () => queue.importFrom("/nowhere/at/all"),
  ];
  for (const call of calls) expect((await failure(call())).code).toBe("CLOSED");
  expect(queue.stats().dead).toBe(1);
});

test.each([
  ["an option that is not known", { after: 1 }],
  ["a place that is none", { afterSeq: "1" }],
  ["a place that is no number", { afterSeq: Number.NaN }],
])("a list with %s is refused, and not taken for one without", async (_what, options) => {
  const { queue } = await dead();
  await expect(queue.deadLetters(options as never)).rejects.toThrow(/unknown option "after"|afterSeq/);
});

test("a decision about one dead letter of many does not take all of them into memory at once", async () => {
  const store = new MemoryStore();
  const { queue } = await rig({ queue: { store } });
  const write = (n: number) => ({ kind: "update", id: `notes:${n}`, data: {} }) as const;
  await Promise.all(Array.from({ length: 600 }, (_, n) => queue.enqueue(write(n))));
  await until(() => queue.stats().dead === 600);
  const read = store.read.bind(store);
  let most = 0;
  store.read = (seqs) => {
    most = Math.max(most, seqs.length);
    return read(seqs);
  };
  expect(await queue.discard("notes:599", "no use")).toBe(1);
  expect(await queue.redrive("notes:7")).toBe(1);
  expect(await queue.deadLetters()).toHaveLength(599 - 1);
  expect(most).toBeLessThanOrEqual(256);
});
