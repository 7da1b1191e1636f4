import { type DatabaseError, DatabaseErrorOf } from "@db/core";
import { describe, expect, test } from "vitest";
import { json, MemoryStore, type QueuedWrite, WriteQueue } from "../src/index.ts";
import type { StoreBatch } from "../src/store.ts";
import { v8 } from "../src/v8.ts";
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

test("close() stores all that is still on its way", async () => {
  const store = new MemoryStore();
  const queue = await WriteQueue.open({ store });
  const calls = Array.from({ length: 10_000 }, (_, index) => queue.enqueue(create(`notes:${index}`)));
  await queue.close();
  expect(await Promise.all(calls)).toHaveLength(10_000);
  await using again = await WriteQueue.open({ store });
  expect(again.stats().pending).toBe(10_000);
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

  test("a dead letter that could not be noted is noted later", async () => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    const { queue } = await rig({ queue: { store } });
    queue.pause();
    await queue.enqueue({ kind: "update", id: "notes:1", data: {} });
    let noted = 0;
    store.commit = async (batch) => {
      if (batch.notes.length === 0) return commit(batch);
      noted += 1;
      if (noted === 1) throw new DatabaseErrorOf("QUEUE_FULL", "no space", {});
      return commit(batch);
    };
    queue.resume();
    await until(() => noted === 2);
    await using again = await WriteQueue.open({ store });
    expect(await again.deadLetters()).toMatchObject([{ id: "notes:1", attempts: 1, lastError: { code: "NOT_FOUND" } }]);
  });

  test("at open: STORAGE_FAILED, for nothing was to be lost yet", async () => {
    const store = new MemoryStore();
    store.commit = () => Promise.reject(new DatabaseErrorOf("DURABILITY_UNKNOWN", "sync", { operationId: "" }));
    expect(await failure(WriteQueue.open({ store }))).toMatchObject({ code: "STORAGE_FAILED", effect: "none" });
  });

  test("a store that is gone for good ends the queue, whoever wrote it", async () => {
    const gone = new AbortController();
    const store = new MemoryStore();
    const open = store.open.bind(store);
    store.open = async () => ({ ...(await open()), lost: gone.signal });
    const { queue } = await rig({ connect: false, queue: { store } });
    await queue.enqueue(create("notes:1"));
    const waiting = failure(queue.barrier());
    gone.abort(new DatabaseErrorOf("STORAGE_FAILED", "the log has moved", { path: "log" }));
    expect((await waiting).message).toBe("the log has moved");
    expect((await failure(queue.enqueue(create("notes:2")))).message).toBe("the log has moved");
    expect(queue.stats()).toMatchObject({ state: "failed", errors: 1 });
    expect((await failure(WriteQueue.open({ store }))).message).toBe("the log has moved");
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

const secret = (): never => {
  throw new Error("hunter2");
};
const revoked = Proxy.revocable({}, {});
revoked.revoke();
let looks = 0;

test.each<[string, unknown]>([
  [
    "a getter that throws",
    {
      get a() {
        return secret();
      },
    },
  ],
  ["a proxy that throws", new Proxy({}, { ownKeys: secret })],
  ["a proxy that was revoked", revoked.proxy],
  [
    "a getter that turns into what JSON does not have",
    {
      get a() {
        looks += 1;
        return looks > 2 ? 1n : 1;
      },
    },
  ],
])("data with %s ends the call with an error of ours, which tells nothing of it", async (_what, data) => {
  const { queue } = await rig({ connect: false });
  const error = await failure(queue.enqueue({ kind: "create", id: "notes:1", data: data as never }));
  expect(error).toMatchObject({ effect: "none" });
  expect(error.message).not.toContain("hunter2");
  expect(queue.stats().pending).toBe(0);
});

test.each<[string, object, string]>([
  ["an increment of what is no number", { mode: "increment", data: { n: "1" } }, "a number to add"],
  ["fields to take away with replace", { mode: "replace", data: {}, remove: ["a"] }, "merge"],
  ["fields to take away with increment", { mode: "increment", data: { n: 1 }, remove: ["a"] }, "merge"],
  ["the id of another record", { data: { id: "notes:2" } }, "record's own id"],
])("an update with %s is refused at the call, as a service does", async (_what, write, message) => {
  const { queue } = await rig({ connect: false });
  const error = await failure(queue.enqueue({ kind: "update", id: "notes:1", ...write } as never));
  expect(error.code).toBe("VALIDATION_FAILED");
  expect(error.message).toContain(message);
});

test("the record's own id among its fields is left out, as a service does", async () => {
  const { db, queue } = await rig();
  await queue.enqueue({ kind: "create", id: "notes:1", data: { id: "notes:1", a: 1 } });
  await queue.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
});

test("a signal or a scope that is none is refused, and not taken for one that never fires or has no writes", async () => {
  const { queue } = await rig({ connect: false });
  await queue.enqueue({ kind: "delete", id: "notes:1" });
  const write = { kind: "delete", id: "notes:2" } as const;
  expect((await failure(queue.enqueue(write, { signal: {} as never }))).code).toBe("VALIDATION_FAILED");
  expect((await failure(queue.barrier("notes:1", { signal: {} as never }))).code).toBe("VALIDATION_FAILED");
  expect((await failure(queue.barrier("notes:1", { scope: { namespace: "a" } as never }))).code).toBe(
    "VALIDATION_FAILED",
  );
  expect(queue.stats().pending).toBe(1);
});

test("a write that is far too large is refused before memory is taken for it", async () => {
  const store = new MemoryStore();
  let most = 0;
  const allocate = (bytes: number): Buffer => {
    most = Math.max(most, bytes);
    return Buffer.alloc(bytes);
  };
  const { queue } = await rig({
    connect: false,
    queue: { store: Object.assign(store, { allocate }), maxEntryBytes: 4_096 },
  });
  const error = await failure(queue.enqueue(create("notes:1", { text: "x".repeat(1_000_000) })));
  expect(error).toMatchObject({ code: "PAYLOAD_TOO_LARGE", facts: { limitBytes: 4_096 } });
  expect(most).toBeLessThan(1_000_000);
});

test.each([json, v8])(
  "what an object says of itself to JSON does not change what is stored as $name",
  async (codec) => {
    const toJSON = (): string => "another value";
    const list = Object.assign([1, 2], { toJSON });
    const object = Object.defineProperty({ b: 1 }, "toJSON", { value: toJSON });
    const { db, queue } = await rig({ queue: { codec } });
    const stored = await queue.enqueue(create("notes:1", { list, object })).then(
      () => true,
      () => false,
    );
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual(stored ? { id: "notes:1", list: [1, 2], object: { b: 1 } } : undefined);
  },
);
