import { type DatabaseError, DatabaseErrorOf } from "@db/core";
import { describe, expect, test } from "vitest";
import { MemoryStore, type QueuedWrite, WriteQueue } from "../src/index.ts";
import type { StoreBatch } from "../src/store.ts";
import { failure, rig, until } from "./support/service.ts";

const create = (id: string, data = {}): QueuedWrite => ({ kind: "create", id, data });

describe("a receipt", () => {
  test("names the operation, the record and the place; places go up by one", async () => {
    const { queue } = await rig({ connect: false });
    const all = await Promise.all([1, 2, 3].map((index) => queue.enqueue(create(`notes:${index}`))));
    expect(all.map(({ id }) => id)).toEqual(["notes:1", "notes:2", "notes:3"]);
    const [first = 0] = all.map(({ seq }) => seq);
    expect(all.map(({ seq }) => seq)).toEqual([first, first + 1, first + 2]);
    expect(all[0]?.operationId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("comes only once the store has committed", async () => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using queue = await WriteQueue.open({ store });
    store.commit = async (batch: StoreBatch) => {
      await gate;
      await commit(batch);
    };
    let answered = false;
    const call = queue.enqueue(create("notes:1")).then(() => {
      answered = true;
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect(answered).toBe(false);
    release();
    await call;
  });

  test("of one operation id is one, sent twice at once, later, or while it is being stored", async () => {
    const { queue } = await rig({ connect: false });
    const options = { operationId: "order-17" };
    const [a, b] = await Promise.all([
      queue.enqueue(create("notes:1"), options),
      queue.enqueue(create("notes:1"), options),
    ]);
    const c = await queue.enqueue(create("notes:1"), options);
    expect(b).toEqual(a);
    expect(c).toEqual(a);
    expect(queue.stats().pending).toBe(1);
  });
});

test("the data is what it was at the call, whatever the caller does with it afterwards", async () => {
  const { queue, db } = await rig();
  queue.pause();
  const data = { tags: ["a"], at: new Date(0) };
  const call = queue.enqueue({ kind: "create", id: "notes:1", data });
  data.tags.push("b");
  data.at.setTime(5);
  await call;
  queue.resume();
  await queue.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", tags: ["a"], at: new Date(0) });
});

test.each<[string, unknown, string]>([
  ["no object", "notes:1", "VALIDATION_FAILED"],
  ["another kind", { kind: "query", id: "notes:1" }, "VALIDATION_FAILED"],
  ["a guarded update", { kind: "update", id: "notes:1", data: {}, expect: { a: 1 } }, "VALIDATION_FAILED"],
  ["one that wants its row", { kind: "create", id: "notes:1", data: {}, returning: true }, "VALIDATION_FAILED"],
  ["no id", { kind: "create", data: {} }, "INVALID_RECORD_ID"],
  ["an id of nothing", { kind: "create", id: "notes:", data: {} }, "INVALID_RECORD_ID"],
  ["another collection", { kind: "create", id: "notes:1", collection: "users", data: {} }, "VALIDATION_FAILED"],
  ["no data", { kind: "create", id: "notes:1" }, "VALIDATION_FAILED"],
  ["a function", { kind: "create", id: "notes:1", data: { f: () => {} } }, "VALIDATION_FAILED"],
  ["a number that is none", { kind: "create", id: "notes:1", data: { n: Number.NaN } }, "VALIDATION_FAILED"],
  ["a broken text", { kind: "create", id: "notes:1", data: { s: "\ud800" } }, "VALIDATION_FAILED"],
  ["a field without a name", { kind: "create", id: "notes:1", data: { "": 1 } }, "VALIDATION_FAILED"],
  ["an unknown mode", { kind: "update", id: "notes:1", data: {}, mode: "upsert" }, "VALIDATION_FAILED"],
  ["a wrong remove", { kind: "update", id: "notes:1", data: {}, remove: [1] }, "VALIDATION_FAILED"],
  ["an unknown field", { kind: "create", id: "notes:1", data: {}, ttl: 5 }, "VALIDATION_FAILED"],
])("%s is refused, and nothing is stored", async (_what, write, code) => {
  const { queue } = await rig({ connect: false });
  expect((await failure(queue.enqueue(write as never))).code).toBe(code);
  expect(queue.stats()).toMatchObject({ pending: 0, enqueued: 0 });
});

test("wrong options of a call are refused too", async () => {
  const { queue } = await rig({ connect: false });
  await expect(queue.enqueue(create("notes:1"), { operationId: "a b" })).rejects.toThrow("operationId");
  await expect(queue.enqueue(create("notes:1"), { scope: { namespace: 1 } as never })).rejects.toThrow("scope");
  await expect(queue.enqueue(create("notes:1"), { opId: "x" } as never)).rejects.toThrow('unknown option "opId"');
});

describe("no more than there is room for", () => {
  test("entries: the next is refused, nothing of it is stored, and there is room again after a replay", async () => {
    const { queue, driver, db } = await rig({ queue: { maxEntries: 2 } });
    driver.goAway();
    await queue.enqueue(create("notes:1"));
    await queue.enqueue(create("notes:2"));
    expect(await failure(queue.enqueue(create("notes:3")))).toMatchObject({ code: "QUEUE_FULL", effect: "none" });
    driver.comeBack();
    await queue.barrier();
    await until(() => queue.stats().lanes === 0);
    await queue.enqueue(create("notes:4"));
    await queue.barrier();
    expect(await db.count("notes")).toBe(3);
  });

  test("bytes, and the bytes of one entry", async () => {
    const { queue } = await rig({ connect: false, queue: { maxBytes: 2_000, maxEntryBytes: 1_500 } });
    const big = { text: "x".repeat(1_000) };
    await queue.enqueue(create("notes:1", big));
    expect((await failure(queue.enqueue(create("notes:2", big)))).code).toBe("QUEUE_FULL");
    const large = await failure(queue.enqueue(create("notes:3", { text: "x".repeat(2_000) })));
    expect(large).toMatchObject({ code: "PAYLOAD_TOO_LARGE", retryable: false, facts: { limitBytes: 1_500 } });
    expect(queue.stats()).toMatchObject({ pending: 1, rejected: { full: 1, too_large: 1 } });
  });

  test("overflow wait: callers are served in turn when there is room; an abort leaves the line", async () => {
    const { queue, driver } = await rig({ queue: { maxEntries: 1, overflow: "wait" } });
    driver.goAway();
    await queue.enqueue(create("notes:0"));
    const order: string[] = [];
    const data = { v: 1 };
    const calls = ["notes:1", "notes:2", "notes:3"].map((id) =>
      queue.enqueue({ kind: "create", id, data }).then(() => order.push(id)),
    );
    data.v = 2;
    const controller = new AbortController();
    const aborted = failure(queue.enqueue(create("notes:4"), { signal: controller.signal }));
    controller.abort(new Error("enough"));
    expect(await aborted).toMatchObject({ code: "CANCELLED", effect: "none" });
    expect((await failure(queue.enqueue(create("notes:5"), { signal: AbortSignal.abort() }))).code).toBe("CANCELLED");
    driver.comeBack();
    await Promise.all(calls);
    await queue.barrier();
    expect(order).toEqual(["notes:1", "notes:2", "notes:3"]);
    expect(
      driver.calls.flatMap(({ operation }) => (operation !== undefined && "data" in operation ? [operation.data] : [])),
    ).toEqual([{}, { v: 1 }, { v: 1 }, { v: 1 }]);
  });

  test("close() refuses those who wait for room, and whoever comes after", async () => {
    const { queue } = await rig({ connect: false, queue: { maxEntries: 1, overflow: "wait" } });
    await queue.enqueue(create("notes:1"));
    const waiting = failure(queue.enqueue(create("notes:2")));
    await queue.close();
    expect((await waiting).code).toBe("CLOSED");
    expect((await failure(queue.enqueue(create("notes:3")))).code).toBe("CLOSED");
    expect(queue.stats()).toMatchObject({ state: "closed", rejected: { closed: 2 } });
  });

  test("a write that can never fit does not block the line", async () => {
    const { queue, driver } = await rig({ queue: { maxEntries: 1, maxEntryBytes: 1_024, overflow: "wait" } });
    driver.goAway();
    await queue.enqueue(create("notes:1"));
    const large = failure(queue.enqueue(create("notes:2", { text: "x".repeat(5_000) })));
    const small = queue.enqueue(create("notes:3"));
    driver.comeBack();
    expect((await large).code).toBe("PAYLOAD_TOO_LARGE");
    await small;
  });
});

describe("a store that fails", () => {
  const failing = async (error: DatabaseError | Error, times = 1) => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    const rigged = await rig({ queue: { store } });
    let left = times;
    store.commit = async (batch) => {
      if (left > 0) {
        left -= 1;
        throw error;
      }
      await commit(batch);
    };
    return rigged;
  };

  test("a full disk: the caller is told that nothing is stored, and the next one is served", async () => {
    const { queue, db } = await failing(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
    expect(await failure(queue.enqueue(create("notes:1")))).toMatchObject({ code: "QUEUE_FULL", effect: "none" });
    expect(queue.stats()).toMatchObject({ pending: 0, rejected: { storage: 1 }, errors: 1 });
    await queue.enqueue(create("notes:1", { n: 2 }));
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 2 });
  });

  test("a failed sync: DURABILITY_UNKNOWN with the caller's own operation id", async () => {
    const { queue } = await failing(
      new DatabaseErrorOf("DURABILITY_UNKNOWN", "sync", { operationId: "" }, { effect: "unknown" }),
    );
    const [a, b] = await Promise.all(
      ["op-a", "op-b"].map((operationId) => failure(queue.enqueue(create(`notes:${operationId}`), { operationId }))),
    );
    expect(a).toMatchObject({ code: "DURABILITY_UNKNOWN", effect: "unknown", facts: { operationId: "op-a" } });
    expect(b).toMatchObject({ facts: { operationId: "op-b" } });
  });

  test("ends of entries are kept and stored later, and the lane stays busy until they are", async () => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    const { queue, db } = await rig({ queue: { store } });
    let full = false;
    store.commit = async (batch) => {
      if (full) throw new DatabaseErrorOf("QUEUE_FULL", "no space", {});
      await commit(batch);
    };
    queue.pause();
    await queue.enqueue(create("notes:1", { v: 1 }));
    full = true;
    queue.resume();
    await queue.barrier();
    await until(() => queue.stats().errors > 0);
    expect(queue.stats()).toMatchObject({ pending: 0, lanes: 1 });
    expect((await failure(db.update("notes:1", { v: 2 }))).code).toBe("QUEUE_FULL");
    full = false;
    await until(() => queue.stats().lanes === 0);
    expect(await db.update("notes:1", { v: 2 })).toMatchObject({ status: "committed" });
  });

  test("at open: STORAGE_FAILED, for nothing was to be lost yet", async () => {
    const store = new MemoryStore();
    store.commit = () => Promise.reject(new DatabaseErrorOf("DURABILITY_UNKNOWN", "sync", { operationId: "" }));
    expect(await failure(WriteQueue.open({ store }))).toMatchObject({ code: "STORAGE_FAILED", effect: "none" });
  });

  test("a stranger's exception is not the caller's to see raw", async () => {
    const { queue } = await failing(new Error("boom"));
    expect(await failure(queue.enqueue(create("notes:1")))).toMatchObject({ code: "INTERNAL", effect: "unknown" });
  });

  test("of two writes of a record the second is applied though the first could not be stored", async () => {
    const { queue, db } = await failing(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
    queue.pause();
    const first = failure(queue.enqueue(create("notes:1", { v: 1 })));
    await first;
    await queue.enqueue(create("notes:1", { v: 2 }));
    queue.resume();
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", v: 2 });
  });
});
