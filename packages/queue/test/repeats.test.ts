import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase, DatabaseErrorOf, isOperationReused } from "@db/core";
import { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import { json, MemoryStore, type QueuedWrite, WriteQueue } from "../src/index.ts";
import { Intake } from "../src/intake.ts";
import { Journal } from "../src/journal.ts";
import { messagepack } from "../src/messagepack.ts";
import { readSettings } from "../src/options.ts";
import { checkWrite } from "../src/stored-write.ts";
import { v8 } from "../src/v8.ts";
import { failure, rig, until } from "./support/service.ts";

// A write that is sent again under the operation id of one that waits in the queue.

const create = (id: string, data = {}): QueuedWrite => ({ kind: "create", id, data });
const first = { operationId: "order-17", fingerprint: "body-1" };
const other = { operationId: "order-17", fingerprint: "body-2" };

async function reused(promise: Promise<unknown>): Promise<void> {
  const error = await failure(promise);
  expect([isOperationReused(error), error.effect]).toEqual([true, "none"]);
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "db-queue-repeats-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("another fingerprint under the operation id of a stored write", () => {
  test("is refused and stores nothing; the same one, or none, has the receipt of the first", async () => {
    const { queue, db } = await rig();
    queue.pause();
    const receipt = await queue.enqueue(create("notes:1", { n: 1 }), first);
    await reused(queue.enqueue(create("notes:1", { n: 2 }), other));
    expect(await queue.enqueue(create("notes:1", { n: 1 }), first)).toEqual(receipt);
    expect(await queue.enqueue(create("notes:1", { n: 1 }), { operationId: "order-17" })).toEqual(receipt);
    expect(queue.stats()).toMatchObject({ pending: 1, enqueued: 1 });
    queue.resume();
    await queue.barrier();
    expect(await db.read("notes:1")).toEqual({ id: "notes:1", n: 1 });
  });

  test("is refused while the first is still being stored", async () => {
    const { queue } = await rig({ connect: false });
    const stored = queue.enqueue(create("notes:1"), first);
    await reused(queue.enqueue(create("notes:1"), other));
    await stored;
    expect(queue.stats().pending).toBe(1);
  });

  test("is refused by the ledger after the replay, which took the fingerprint there", async () => {
    const { queue, db, driver } = await rig();
    driver.goAway();
    await db.update("counters:1", { n: 1 }, { mode: "replace", ...first });
    await db.create("counters", { n: 0 }, { id: "counters:2", ...first, operationId: "order-18" });
    driver.comeBack();
    await until(() => queue.stats().dead === 1);
    await queue.discard("counters:1", "not there");
    await until(() => queue.stats().lanes === 0);
    await reused(db.create("counters", { n: 9 }, { id: "counters:2", ...other, operationId: "order-18" }));
    await db.create("counters", { n: 0 }, { id: "counters:2", ...first, operationId: "order-18" });
    expect(await db.read("counters:2")).toEqual({ id: "counters:2", n: 0 });
  });

  test("is refused by a service at once, with the database away and back, and not put behind the first", async () => {
    const { queue, db, driver } = await rig();
    queue.pause();
    driver.goAway();
    await db.create("notes", { n: 1 }, { id: "notes:1", ...first });
    await reused(db.create("notes", { n: 2 }, { id: "notes:1", ...other }));
    driver.comeBack();
    await reused(db.create("notes", { n: 2 }, { id: "notes:1", ...other }));
    expect(await db.create("notes", { n: 1 }, { id: "notes:1", ...first })).toMatchObject({ status: "queued" });
    expect(queue.stats().pending).toBe(1);
  });

  test("is refused where the first is a dead letter, which keeps it through a redrive", async () => {
    const { queue, db, driver } = await rig();
    driver.failNext(new DatabaseErrorOf("PERMISSION_DENIED", "no", {}), { kind: "create" });
    await queue.enqueue(create("notes:1", { n: 1 }), first);
    await until(() => queue.stats().dead === 1);
    expect((await queue.deadLetters())[0]).toMatchObject(first);
    await reused(queue.enqueue(create("notes:1", { n: 2 }), other));
    await queue.redrive("order-17");
    await queue.barrier();
    await reused(db.create("notes", { n: 2 }, { id: "notes:1", ...other }));
  });

  test.each([json, messagepack, cbor, v8])("is refused after a restart, with $name", async (codec) => {
    const path = join(folder(), "queue.db");
    await using before = await WriteQueue.open({ path, codec });
    const receipt = await before.enqueue(create("notes:1"), first);
    await before.close();
    await using queue = await WriteQueue.open({ path, codecs: [codec] });
    await reused(queue.enqueue(create("notes:1"), other));
    expect(await queue.enqueue(create("notes:1"), first)).toEqual(receipt);
    const driver = new MockDatabase();
    await using db = createDatabase({ driver, layers: [queue.layer] });
    await db.connect();
    await queue.barrier();
    expect(driver.calls.find(({ kind }) => kind === "create")).toMatchObject({ ledger: true });
    await reused(db.create("notes", { n: 2 }, { id: "notes:1", ...other }));
  });

  test("goes with an export, and an import of another write under it is refused with its line", async () => {
    const path = join(folder(), "export");
    const { queue } = await rig({ connect: false });
    await queue.enqueue(create("notes:1"), first);
    await queue.exportTo(path);
    const next = await rig({ connect: false });
    expect(await next.queue.importFrom(path)).toEqual({ imported: 1, skipped: 0 });
    await reused(next.queue.enqueue(create("notes:1"), other));
    const third = await rig({ connect: false });
    await third.queue.enqueue(create("notes:1"), other);
    const refused = await failure(third.queue.importFrom(path));
    expect(refused).toMatchObject({ code: "VALIDATION_FAILED" });
    expect(refused.message).toContain("line 2: expected an operation id that no other write has");
  });

  test("counts only where it is one, and only where the driver can keep it", async () => {
    const { queue } = await rig({ connect: false });
    for (const fingerprint of ["", "a b", "ä", "x".repeat(129)])
      expect((await failure(queue.enqueue(create("notes:1"), { fingerprint }))).code).toBe("VALIDATION_FAILED");
    const unable = await rig({ driver: { capabilities: { idempotentWrites: false } } });
    unable.queue.pause();
    await unable.queue.enqueue(create("notes:1"));
    const update = unable.db.update("notes:1", {}, { fingerprint: "a" });
    expect((await failure(update)).code).toBe("UNSUPPORTED");
    expect(unable.queue.stats().pending).toBe(1);
  });
});

test("an operation id that has the hash of another one is not taken for it, which would lose a write", async () => {
  const journal = new Journal(new MemoryStore(), readSettings({ durability: "memory" }));
  await journal.open();
  journal.hashOf = () => 7;
  const intake = new Intake(journal);
  const put = (operationId: string) => {
    const operation = checkWrite(create("notes:1"));
    return intake.put({
      operation,
      scope: undefined,
      operationId,
      fingerprint: operationId,
      maybeApplied: false,
      signal: undefined,
    });
  };
  const [a, b] = await Promise.all([put("a"), put("b")]);
  const c = await put("c");
  expect(new Set([a.seq, b.seq, c.seq]).size).toBe(3);
  expect(journal.backlog.count).toBe(3);
  await journal.close();
});

describe("an operation id that comes again", () => {
  test("is the record of the first, though a create without an id names another one each time", async () => {
    const { queue, db, driver } = await rig();
    queue.pause();
    driver.goAway();
    const made = await db.create("notes", { n: 1 }, first);
    expect(await db.create("notes", { n: 1 }, first)).toEqual(made);
    driver.comeBack();
    expect(await db.create("notes", { n: 1 }, first)).toEqual(made);
    const withRow = db.create("notes", { n: 1 }, { ...first, returning: true });
    queue.resume();
    expect(await withRow).toMatchObject({ id: made.id, status: "committed" });
    await queue.barrier();
    expect((await db.find("notes")).items).toEqual([{ id: made.id, n: 1 }]);
  });

  test("is one entry, also of two that wait for room", async () => {
    const { queue, driver } = await rig({ queue: { maxEntries: 1, overflow: "wait" } });
    queue.pause();
    driver.goAway();
    await queue.enqueue(create("notes:0"));
    const waiting = [first, first, other].map((options) => queue.enqueue(create("notes:1"), options));
    const ends = Promise.allSettled(waiting);
    driver.comeBack();
    queue.resume();
    const [a, b, c] = await ends;
    expect(a).toMatchObject({ status: "fulfilled" });
    expect(b).toEqual(a);
    expect(c).toMatchObject({ reason: { code: "VALIDATION_FAILED" } });
    await queue.barrier();
    expect(driver.calls.filter(({ kind }) => kind === "create")).toHaveLength(2);
  });

  test.each([
    ["at once", false],
    ["while it was being stored", true],
  ])("is one entry, also of three sent %s of which the first could not be stored", async (_, underWay) => {
    const store = new MemoryStore();
    const commit = store.commit.bind(store);
    const { queue } = await rig({ connect: false, queue: { store } });
    const commits: PromiseWithResolvers<void>[] = [];
    store.commit = async (batch) => {
      const gate = Promise.withResolvers<void>();
      commits.push(gate);
      await gate.promise;
      await commit(batch);
    };
    const send = () => queue.enqueue(create("notes:1"), first);
    const one = [send(), ...(underWay ? [] : [send(), send()])];
    await until(() => commits.length === 1);
    const ends = Promise.allSettled([...one, ...(underWay ? [send(), send()] : [])]);
    commits[0]?.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
    await until(() => commits.length === 2);
    store.commit = commit;
    commits[1]?.resolve();
    const [a, b, c] = await ends;
    expect(a).toMatchObject({ reason: { code: "QUEUE_FULL" } });
    expect(b).toMatchObject({ status: "fulfilled" });
    expect(c).toEqual(b);
    expect(queue.stats().pending).toBe(1);
  });
});
