import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { DatabaseErrorOf } from "@db/core";
import { expect, onTestFinished, test } from "vitest";
import { CHANNELS, liveQueues, MemoryStore, WriteQueue } from "../src/index.ts";
import { RateMeter } from "../src/stats.ts";
import { failure, rig, until } from "./support/service.ts";

/** What is published on a channel until the test ends. */
function heard(channel: Exclude<keyof typeof CHANNELS, "drain">): unknown[] {
  const events: unknown[] = [];
  const listen = (event: unknown): void => {
    events.push(event);
  };
  subscribe(CHANNELS[channel], listen);
  onTestFinished(() => {
    unsubscribe(CHANNELS[channel], listen);
  });
  return events;
}

test("each step of a write is published, with no value and no record id in it", async () => {
  const names = ["enqueue", "ack", "reject", "dead", "redrive", "discard", "commit"] as const;
  const events = Object.fromEntries(names.map((name) => [name, heard(name)]));
  const { driver, queue } = await rig({ queue: { name: "orders", maxEntries: 2 } });
  queue.pause();
  const { operationId } = await queue.enqueue({ kind: "create", id: "notes:SECRET", data: { text: "SECRET" } });
  const dead = await queue.enqueue({ kind: "update", id: "notes:SECRET2", data: { text: "SECRET" } });
  await failure(queue.enqueue({ kind: "delete", id: "notes:SECRET3" }));
  queue.resume();
  await until(() => queue.stats().dead === 1);
  await queue.barrier();
  driver.goAway();
  await queue.redrive(dead.seq);
  driver.comeBack();
  await until(() => queue.stats().dead === 1);
  await queue.discard(dead.operationId, "because");
  expect(events.enqueue?.[0]).toEqual({
    queue: "orders",
    kind: "create",
    collection: "notes",
    operationId,
    bytes: expect.any(Number),
    durationMs: expect.any(Number),
  });
  const acked = {
    queue: "orders",
    kind: "create",
    collection: "notes",
    operationId,
    attempts: 1,
    waitedMs: expect.any(Number),
  };
  expect(events.ack).toEqual([acked]);
  expect(events.reject).toEqual([{ queue: "orders", reason: "full" }]);
  const letter = {
    queue: "orders",
    kind: "update",
    collection: "notes",
    operationId: dead.operationId,
    code: "NOT_FOUND",
    attempts: 1,
  };
  expect(events.dead).toEqual([letter, letter]);
  expect(events.redrive).toEqual([{ queue: "orders", operationId: dead.operationId }]);
  expect(events.discard).toEqual([{ queue: "orders", operationId: dead.operationId, reason: "because" }]);
  expect(events.commit?.length).toBeGreaterThan(0);
  expect(JSON.stringify(events)).not.toContain("SECRET");
});

test("a drain is one trace, from its start to the end or to what stopped it", async () => {
  const ends: unknown[] = [];
  const starts: unknown[] = [];
  const channel = tracingChannel(CHANNELS.drain);
  const listeners = {
    start: (event: object) => starts.push({ ...event }),
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (event: object) => ends.push("error" in event ? (event.error as { code: string }).code : "done"),
    error: () => {},
  };
  channel.subscribe(listeners);
  onTestFinished(() => channel.unsubscribe(listeners));
  const { driver, queue } = await rig({ queue: { name: "orders" } });
  queue.pause();
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  driver.failNext(new DatabaseErrorOf("CONNECTION_FAILED", "away", {}));
  queue.resume();
  await queue.barrier();
  await until(() => ends.length === 2);
  expect(starts).toEqual([
    { queue: "orders", pending: 1 },
    { queue: "orders", pending: 1 },
  ]);
  expect(ends).toEqual(["CONNECTION_FAILED", "done"]);
});

test("errors that no caller sees are published and counted", async () => {
  const errors = heard("error");
  const store = new MemoryStore();
  const { queue } = await rig({ queue: { store } });
  const { read } = store;
  store.read = () => Promise.reject(new Error("unreadable"));
  await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  await until(() => errors.length > 0);
  expect(errors[0]).toMatchObject({ queue: "queue", phase: "read", error: { message: "unreadable" } });
  store.read = read;
  store.tidy = () => Promise.reject(new Error("untidy"));
  await queue.barrier();
  await until(() => errors.some((event) => (event as { phase: string }).phase === "tidy"));
  expect(queue.stats().errors).toBe(errors.length);
});

test("open queues are listed with their figures, closed ones are not", async () => {
  const queue = await WriteQueue.open({ durability: "memory", name: "listed" });
  const found = liveQueues().find(({ name }) => name === "listed");
  expect(found?.stats()).toMatchObject({
    name: "listed",
    state: "detached",
    durability: "memory",
    oldestAgeMs: 0,
    etaMs: 0,
  });
  await queue.close();
  expect(liveQueues().some(({ name }) => name === "listed")).toBe(false);
});

test("progress can be watched: rate, age of the oldest, and how long it will take", async () => {
  const { driver, queue } = await rig();
  driver.goAway();
  for (let index = 0; index < 40; index += 1) await queue.enqueue({ kind: "create", id: `notes:${index}`, data: {} });
  await until(() => queue.stats().oldestAgeMs > 5);
  expect(queue.stats()).toMatchObject({ etaMs: undefined, ratePerSecond: 0 });
  driver.latencyMs = 5;
  driver.comeBack();
  await until(() => queue.stats().acked >= 5);
  const { etaMs, ratePerSecond } = queue.stats();
  expect(ratePerSecond).toBeGreaterThan(0);
  expect(etaMs).toBeGreaterThan(0);
  await queue.barrier();
});

test("a rate is that of the last ten seconds", async () => {
  const { vi } = await import("vitest");
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const rate = new RateMeter();
  for (let count = 0; count < 50; count += 1) rate.count();
  expect(rate.perSecond()).toBe(5);
  vi.advanceTimersByTime(5_000);
  rate.count();
  expect(rate.perSecond()).toBe(5.1);
  vi.advanceTimersByTime(6_000);
  expect(rate.perSecond()).toBe(0.1);
  vi.advanceTimersByTime(60_000);
  expect(rate.perSecond()).toBe(0);
});
