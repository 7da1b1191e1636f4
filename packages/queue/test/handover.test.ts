import { DatabaseErrorOf, type Layer, type LayerHost } from "@db/core";
import { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryStore, type QueuedWrite, WriteQueue } from "../src/index.ts";
import { failure, rig, until } from "./support/service.ts";

// Moments at which a write, a service or a queue ends while another part still goes on.

const create = (id: string): QueuedWrite => ({ kind: "create", id, data: {} });

test("a write whose error comes after its caller was answered is not stored: it would be applied after the caller's next", async () => {
  const late = Promise.withResolvers<never>();
  let isFirst = true;
  const deaf: Layer = (next) => (operation, context) => {
    if (operation.kind !== "update" || !isFirst) return next(operation, context);
    isFirst = false;
    return late.promise;
  };
  const { db, queue } = await rig({ layers: [deaf], timeoutMs: 20 });
  await db.create("notes", { v: 0 }, { id: "notes:1" });
  expect(await failure(db.update("notes:1", { v: 1 }))).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
  expect(await db.update("notes:1", { v: 2 })).toMatchObject({ status: "committed" });
  late.reject(new DatabaseErrorOf("CONNECTION_FAILED", "lost", {}, { effect: "unknown" }));
  await late.promise.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  expect(queue.stats()).toMatchObject({ enqueued: 0, pending: 0 });
  await queue.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", v: 2 });
});

describe("close() while a service lets its replay end", () => {
  test("waits for it, so that what was applied is noted", async () => {
    const store = new MemoryStore();
    const { queue, driver, db } = await rig({ queue: { store } });
    driver.latencyMs = 50;
    const { operationId } = await queue.enqueue(create("notes:1"));
    await until(() => queue.stats().inFlight === 1);
    const disconnected = db.disconnect();
    await until(() => queue.stats().state === "detached");
    await queue.close();
    expect(queue.stats().inFlight).toBe(0);
    await disconnected;
    await using again = await WriteQueue.open({ store });
    // Stopped, or done: either way it is known.
    expect(["applied", "waiting"]).toContain(again.outcome(operationId));
  });

  test("a write that it stops is in doubt, and not taken for one that was never sent", async () => {
    const store = new MemoryStore();
    const { queue, driver, db } = await rig({
      queue: { store },
      driver: { capabilities: { idempotentWrites: false } },
    });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.hang({ kind: "update", when: "after" });
    await queue.enqueue({ kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" });
    await until(() => queue.stats().inFlight === 1);
    const disconnected = db.disconnect();
    await until(() => queue.stats().state === "detached");
    await queue.close();
    await disconnected;
    await using again = await WriteQueue.open({ store });
    expect((await again.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
  });
});

test("the deadline of a service that goes stops its own writes, and not those of the next", async () => {
  const queue = await WriteQueue.open({ store: new MemoryStore() });
  onTestFinished(() => queue.close());
  /** Attaches the queue to a database; gives what ends that. */
  const attach = async (): Promise<{
    readonly driver: MockDatabase;
    readonly end: (now: AbortSignal) => Promise<void>;
  }> => {
    const driver = new MockDatabase();
    let end: (signal: AbortSignal) => Promise<void> = async () => {};
    const host: LayerHost = {
      driver,
      onClose: (close) => {
        end = close;
      },
    };
    queue.layer(
      (operation, context) => driver.statements[operation.kind as "create"](operation as never, context) as never,
      host,
    );
    await driver.connect({ aborted: false, signal: new AbortController().signal } as never);
    return { driver, end };
  };
  const first = await attach();
  first.driver.hang({ kind: "create" });
  await queue.enqueue(create("notes:1"));
  await until(() => queue.stats().inFlight === 1);
  const deadline = new AbortController();
  const ended = first.end(deadline.signal);
  const second = await attach();
  deadline.abort();
  await ended;
  await queue.enqueue(create("notes:2"));
  await queue.barrier();
  expect(second.driver.calls.filter(({ kind, outcome }) => kind === "create" && outcome === "done")).toHaveLength(2);
});

test("a barrier does not open for a write behind a dead letter that could not be stored", async () => {
  const store = new MemoryStore();
  const { queue } = await rig({ queue: { store } });
  await queue.enqueue({ kind: "update", id: "notes:dead", data: {} });
  await until(() => queue.stats().dead === 1);
  queue.pause();
  await queue.enqueue(create("notes:live"));
  const commit = store.commit.bind(store);
  store.commit = () => Promise.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
  const behind = failure(queue.enqueue({ kind: "update", id: "notes:dead", data: {} }));
  let isOpen = false;
  const barrier = queue.barrier().then(() => {
    isOpen = true;
  });
  expect((await behind).code).toBe("QUEUE_FULL");
  store.commit = commit;
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOpen).toBe(false);
  queue.resume();
  await barrier;
  expect(queue.stats().acked).toBe(1);
});
