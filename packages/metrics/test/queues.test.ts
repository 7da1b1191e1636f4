import { createDatabase } from "@db/core";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { amountOf, telemetry } from "./support/telemetry.ts";

test("a queue made before is seen", async () => {
  const queue = await WriteQueue.open({ name: "early", durability: "memory" });
  onTestFinished(() => queue.close());
  const { series } = telemetry();
  expect(amountOf(await series("database.write_queue.size"), { queue: "early" })).toBe(0);
});

test("a queue is followed through an outage: what waits, how much, how old, and what became of it", async () => {
  const { series, metrics } = telemetry();
  const driver = new MockDatabase();
  const queue = await WriteQueue.open({ name: "writes", durability: "memory", maxEntries: 2 });
  onTestFinished(() => queue.close());
  const db = createDatabase({ driver, layers: [queue.layer] });
  onTestFinished(() => db.disconnect());
  await db.connect();
  const amount = async (name: string, labels = {}): Promise<number | undefined> =>
    amountOf(await series(`database.write_queue.${name}`), { queue: "writes", ...labels });

  expect([await amount("size"), await amount("oldest_age")]).toEqual([0, 0]);
  // From 0, so that the first one is an increase.
  expect([await amount("enqueued"), await amount("acked"), await amount("dead")]).toEqual([0, 0, 0]);

  driver.goAway();
  await db.create("notes", { n: 1 }, { id: "notes:1" });
  await db.create("notes", { n: 2 }, { id: "notes:2" });
  await db.create("notes", { n: 3 }, { id: "notes:3" }).catch(() => {});
  expect([await amount("size"), await amount("enqueued")]).toEqual([2, 2]);
  expect(await amount("rejected", { reason: "full" })).toBe(1);
  expect(await amount("bytes")).toBeGreaterThan(0);
  expect(await amount("oldest_age")).toBeGreaterThan(0);

  driver.comeBack();
  await queue.barrier();
  expect([await amount("size"), await amount("acked"), await amount("oldest_age")]).toEqual([0, 2, 0]);

  await queue.close();
  expect(await amount("size")).toBe(0);
  expect(metrics.selfCheck()).toMatchObject({ faults: 0, seen: { queues: 0 } });
});
