import { DatabaseErrorOf } from "@db/core";
import { expect, test } from "vitest";
import { MemoryStore, type QueuedWrite } from "../src/index.ts";
import { failure, rig, until } from "./support/service.ts";

// `overflow: "wait"`: who waits for room, and who gets it.

const create = (id: string, text = ""): QueuedWrite => ({ kind: "create", id, data: { text } });
const BIG = "x".repeat(1_900);
const room = { maxBytes: 3_000, overflow: "wait" } as const;

test("a small write does not pass a large one that waits: it would wait for ever", async () => {
  const { queue } = await rig({ queue: room });
  queue.pause();
  await queue.enqueue(create("notes:1", BIG));
  const order: string[] = [];
  const calls = [create("notes:2", BIG), create("notes:3")].map((write) =>
    queue.enqueue(write).then(({ id }) => order.push(id)),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  queue.resume();
  await Promise.all(calls);
  expect(order).toEqual(["notes:2", "notes:3"]);
});

test("when a large one gives up, those behind it for whom there is room are served at once", async () => {
  const { queue } = await rig({ connect: false, queue: room });
  await queue.enqueue(create("notes:1", BIG));
  const controller = new AbortController();
  const large = failure(queue.enqueue(create("notes:2", BIG), { signal: controller.signal }));
  const small = queue.enqueue(create("notes:3"));
  controller.abort();
  expect((await large).code).toBe("CANCELLED");
  expect((await small).id).toBe("notes:3");
});

test("a call of a service whose deadline passes in the line ends with QUERY_TIMEOUT, and nothing of it is stored", async () => {
  const { db, driver, queue } = await rig({ queue: { maxEntries: 1, overflow: "wait" }, timeoutMs: 20 });
  driver.goAway();
  await db.create("notes", {}, { id: "notes:1" });
  expect(await failure(db.update("notes:1", {}))).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
  expect(queue.stats()).toMatchObject({ pending: 1, rejected: { aborted: 1 } });
});

test("of two that give up at once neither is stored, though there is room for one when the other has left", async () => {
  const { queue } = await rig({ connect: false, queue: room });
  await queue.enqueue(create("notes:1", BIG));
  const controller = new AbortController();
  const { signal } = controller;
  const large = failure(queue.enqueue(create("notes:2", BIG), { signal }));
  const small = failure(queue.enqueue(create("notes:3"), { signal }));
  controller.abort();
  expect([(await large).code, (await small).code]).toEqual(["CANCELLED", "CANCELLED"]);
  expect(queue.stats().pending).toBe(1);
});

test("who gives up while the first of his operation id is still being stored is not stored in its place", async () => {
  const store = new MemoryStore();
  const commit = store.commit.bind(store);
  const { queue } = await rig({ connect: false, queue: { store } });
  const first = Promise.withResolvers<void>();
  store.commit = () => first.promise;
  const call = failure(queue.enqueue(create("notes:1"), { operationId: "op-1" }));
  const controller = new AbortController();
  const again = failure(queue.enqueue(create("notes:1"), { operationId: "op-1", signal: controller.signal }));
  await until(() => queue.stats().pending === 1);
  await new Promise((resolve) => setImmediate(resolve));
  store.commit = commit;
  controller.abort();
  first.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
  expect((await call).code).toBe("QUEUE_FULL");
  expect((await again).code).toBe("CANCELLED");
  expect(queue.stats().pending).toBe(0);
});
