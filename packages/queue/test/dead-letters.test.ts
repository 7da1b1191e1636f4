import { DatabaseErrorOf } from "@db/core";
import { expect, test } from "vitest";
import { failure, type Rig, rig, until } from "./support/service.ts";

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
  expect(queue.outcome(operationIds[0] ?? "")).toBe("dead");
  expect(queue.stats().discarded).toBe(1);
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
  const { queue } = await rig({ queue: { outcomeRetentionMs: 30 } });
  const { operationId } = await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await queue.barrier();
  expect(queue.outcome(operationId)).toBe("applied");
  await until(() => queue.outcome(operationId) === "unknown");
  expect(queue.outcome("never")).toBe("unknown");
});
