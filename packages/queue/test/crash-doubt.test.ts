import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, DatabaseErrorOf } from "@db/core";
import type { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MemoryStore, type QueuedWrite, WriteQueue, type WriteQueueOptions } from "../src/index.ts";
import { formatMeta, newMeta, parseMeta, unsureAfter, unsureSince } from "../src/meta.ts";
import { rig, until } from "./support/service.ts";

// What a process may have sent before it crashed in the middle of a replay, over a database that has no ledger to ask.

const increment: QueuedWrite = { kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" };
const noLedger = { capabilities: { idempotentWrites: false } };

/** An increment that was applied, and its process gone before it knew: its queue is never told to end. */
async function crashed(): Promise<{ readonly store: MemoryStore; readonly driver: MockDatabase }> {
  const store = new MemoryStore();
  const { queue, driver, db } = await rig({ queue: { store }, driver: noLedger });
  await db.create("counters", { n: 0 }, { id: "counters:1" });
  driver.hang({ kind: "update", when: "after" });
  await queue.enqueue(increment);
  await until(() => queue.stats().inFlight === 1);
  return { store, driver };
}

async function counterOf(queue: WriteQueue, driver: MockDatabase): Promise<() => Promise<unknown>> {
  const db = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  onTestFinished(() => db.disconnect());
  return async () => (await db.read("counters:1"))?.n;
}

async function opened(options: WriteQueueOptions): Promise<WriteQueue> {
  const queue = await WriteQueue.open(options);
  onTestFinished(() => queue.close());
  return queue;
}

describe("an increment that was in flight at a crash", () => {
  test("is not counted twice, though the queue was opened and closed in order since", async () => {
    const { store, driver } = await crashed();
    // As a service does that is stopped in the same outage, and as db-queue does for each command.
    for (let time = 0; time < 2; time += 1) await (await WriteQueue.open({ store })).close();
    const queue = await opened({ store });
    const counter = await counterOf(queue, driver);
    await until(() => queue.stats().dead === 1);
    expect(await counter()).toBe(1);
    expect((await queue.deadLetters())[0]?.lastError?.code).toBe("OUTCOME_UNKNOWN");
  });

  test("is not counted twice by the queue that it is moved to", async () => {
    const folder = mkdtempSync(join(tmpdir(), "db-queue-doubt-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { store, driver } = await crashed();
    const path = join(folder, "queue.export");
    await (await opened({ store })).exportTo(path);
    expect(readFileSync(path, "utf8")).toContain('"maybeApplied":true');
    const queue = await opened({ store: new MemoryStore() });
    await queue.importFrom(path);
    const counter = await counterOf(queue, driver);
    await until(() => queue.stats().dead === 1);
    expect(await counter()).toBe(1);
  });

  test("is not counted twice where the clock was ahead when it was queued, and has been set right since", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const now = Date.now();
    const store = new MemoryStore();
    const { queue, driver, db } = await rig({ queue: { store }, driver: noLedger });
    await db.create("counters", { n: 0 }, { id: "counters:1" });
    driver.hang({ kind: "update", when: "after" });
    queue.pause();
    vi.setSystemTime(now + 86_400_000);
    await queue.enqueue(increment);
    vi.setSystemTime(now);
    queue.resume();
    await until(() => queue.stats().inFlight === 1);
    const next = await opened({ store });
    const counter = await counterOf(next, driver);
    await until(() => next.stats().pending === next.stats().dead);
    expect(await counter()).toBe(1);
    expect(next.stats().dead).toBe(1);
  });

  test("casts no doubt on those that are queued after it", async () => {
    const { store, driver } = await crashed();
    const queue = await opened({ store });
    const { operationId } = await queue.enqueue(increment);
    const counter = await counterOf(queue, driver);
    await until(() => queue.stats().dead === 1);
    await queue.discard(1, "it is known to have been applied");
    await until(() => queue.outcome(operationId) !== "waiting");
    expect(queue.outcome(operationId)).toBe("applied");
    expect(await counter()).toBe(2);
  });
});

test("a delete of what was missing is not repeated after a crash, when what was created behind it would not be", async () => {
  const store = new MemoryStore();
  const { queue, driver } = await rig({ queue: { store } });
  queue.pause();
  await queue.enqueue({ kind: "delete", id: "notes:1" });
  await queue.enqueue({ kind: "create", id: "notes:1", data: { n: 2 } });
  const commit = store.commit.bind(store);
  // The disk takes no ends of entries any more.
  store.commit = (batch) =>
    batch.removed.length > 0 ? Promise.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {})) : commit(batch);
  queue.resume();
  await until(() => queue.stats().errors > 0);
  // What is in the store at this moment is what a crash leaves.
  store.commit = commit;
  const again = await opened({ store });
  const db = createDatabase({ driver, layers: [again.layer] });
  onTestFinished(() => db.disconnect());
  await db.connect();
  await again.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 2 });
});

describe("which entries are in doubt", () => {
  const hour = 3_600_000;
  const meta = (replayedAt: number, unsure = newMeta().unsure) => ({ ...newMeta(), replayedAt, unsure });

  test("after a crash those that were there, and were queued while it may have replayed", () => {
    const after = meta(0, unsureAfter(meta(1_000), 3, 10));
    expect(unsureSince(after, 3, 5)).toBe(1_000);
    expect(unsureSince(after, 9, 1_500)).toBe(1_500);
    expect(unsureSince(after, 10, 5)).toBeUndefined();
    expect(unsureSince(after, 9, 1_000 + hour)).toBeUndefined();
  });

  test("after an orderly end those of before, as long as one of them is there", () => {
    const before = unsureAfter(meta(1_000), 3, 10);
    expect(unsureAfter(meta(0, before), 9, 20)).toEqual(before);
    expect(unsureAfter(meta(0, before), 10, 20)).toBeUndefined();
    expect(unsureAfter(meta(0, before), undefined, 20)).toBeUndefined();
  });

  test("after two crashes those of both, since the first", () => {
    const before = unsureAfter(meta(1_000), 3, 10);
    expect(unsureAfter(meta(9_000, before), 3, 20)).toEqual({ belowSeq: 20, queuedBefore: 9_000 + hour, since: 1_000 });
    expect(unsureAfter(meta(9_000, before), 12, 20)).toEqual({
      belowSeq: 20,
      queuedBefore: 9_000 + hour,
      since: 9_000,
    });
  });

  test("after a crash also those that were queued by a clock that was ahead", () => {
    const after = meta(0, unsureAfter(meta(1_000), 3, 10, 1_000 + 2 * hour));
    expect(unsureSince(after, 3, 1_000 + 2 * hour)).toBe(1_000 + 2 * hour);
    expect(unsureAfter(meta(0), 3, 10, 1_000 + 2 * hour)).toBeUndefined();
  });

  test("is stored with the queue", () => {
    const known = meta(7, { belowSeq: 4, queuedBefore: 5, since: 6 });
    expect(parseMeta(formatMeta(known))).toEqual(known);
  });
});

describe("what a queue knows about itself", () => {
  test("with any digit changed is none; without a checksum, as the first files have it, it is what it says", () => {
    const text = formatMeta(newMeta());
    for (const [at, digit] of [...text].entries()) {
      if (!/\d/.test(digit)) continue;
      const changed = `${text.slice(0, at)}${(Number(digit) + 1) % 10}${text.slice(at + 1)}`;
      expect(parseMeta(changed)).toBeUndefined();
    }
    expect(parseMeta('{"seed":[1,2],"nextSeq":3,"replayedAt":4}')).toMatchObject({ seed: [1, 2], nextSeq: 3 });
  });

  test("damaged, is told at open: with another seed no record would find its waiting writes", async () => {
    const store = new MemoryStore();
    const queue = await WriteQueue.open({ store });
    await queue.enqueue(increment);
    await queue.close();
    await store.commit({
      firstSeq: 2,
      count: 0,
      entries: new Uint8Array(0),
      removed: [],
      notes: [],
      outcomes: [],
      forgetOutcomesBefore: 0,
      meta: '{"seed":[1,2',
    });
    await expect(WriteQueue.open({ store })).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
  });
});

test("entries without what the queue knows about itself are damage: under another seed their records would not be found", async () => {
  const store = new MemoryStore();
  await (await opened({ store })).enqueue(increment);
  const open = store.open.bind(store);
  store.open = async () => ({ ...(await open()), meta: undefined });
  await expect(WriteQueue.open({ store })).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
});
