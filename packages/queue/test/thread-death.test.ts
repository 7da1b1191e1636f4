import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkerOptions } from "node:worker_threads";
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { CHANNELS, type QueuedWrite, type QueueErrorEvent, WriteQueue, type WriteQueueOptions } from "../src/index.ts";
import { DEADLY, type Death } from "./support/death.ts";
import { failure, until } from "./support/service.ts";

// The thread that owns the file, really run and really killed; only how it is started is replaced.

const started = vi.hoisted(() => ({ death: undefined as unknown, workers: [] as { terminate(): Promise<number> }[] }));

vi.mock("node:worker_threads", async (load) => {
  const original = await load<typeof import("node:worker_threads")>();
  class Worker extends original.Worker {
    constructor(given: URL, options: WorkerOptions) {
      const { death } = started;
      if (death === undefined) super(given, options);
      else
        super(new URL("support/dying-worker.ts", import.meta.url), {
          ...options,
          workerData: { ...options.workerData, death },
          resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
        });
      started.workers.push(this);
    }
  }
  return { ...original, Worker };
});

// Each opens threads of its own, most of them twice.
vi.setConfig({ testTimeout: 30_000 });

const create = (id: string, text = ""): QueuedWrite => ({ kind: "create", id, data: { text } });

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-death-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "queue.db");
}

async function mortal(death: Death | undefined, options: WriteQueueOptions = {}): Promise<WriteQueue> {
  started.death = death;
  onTestFinished(() => {
    started.death = undefined;
  });
  const queue = await WriteQueue.open({ path: place(), ...options });
  onTestFinished(() => queue.close().catch(() => {}));
  return queue;
}

const DEATHS: readonly Death["how"][] = ["exit", "exception", "memory", "hang"];
const CASES = DEATHS.flatMap((how) => (["before", "after"] as const).map((when) => ({ how, when })));

describe.each(CASES)("the thread ends by $how, $when a commit is done", ({ how, when }) => {
  test("every call ends with what is true of it, the lock is free, and all that was acknowledged is there", async () => {
    const path = place();
    const latch = new Int32Array(new SharedArrayBuffer(4));
    const queue = await mortal({ how, when, request: "commit", latch }, { path });
    const faults: unknown[] = [];
    const hear = (event: unknown): number => faults.push((event as QueueErrorEvent).phase);
    subscribe(CHANNELS.error, hear);
    onTestFinished(() => {
      unsubscribe(CHANNELS.error, hear);
    });
    await Promise.all([1, 2, 3].map((index) => queue.enqueue(create(`notes:${index}`))));

    const barrier = failure(queue.barrier());
    const deadly = failure(queue.enqueue(create("notes:4", DEADLY), { operationId: "op-4" }));
    const again = failure(queue.enqueue(create("notes:4", DEADLY), { operationId: "op-4" }));
    await new Promise(setImmediate);
    const behind = failure(queue.enqueue(create("notes:5")));
    const reading = failure(queue.deadLetters());
    if (how === "hang") {
      await until(() => Atomics.load(latch, 0) === 1);
      await started.workers.at(-1)?.terminate();
    }
    expect(await deadly).toMatchObject({
      code: "DURABILITY_UNKNOWN",
      effect: "unknown",
      facts: { operationId: "op-4" },
    });
    for (const refused of [again, behind, reading, barrier]) {
      expect(await refused).toMatchObject({ code: "STORAGE_FAILED", effect: "none", facts: { path } });
    }
    expect((await failure(queue.enqueue(create("notes:6")))).code).toBe("STORAGE_FAILED");
    expect((await failure(queue.redrive("notes:1"))).code).toBe("STORAGE_FAILED");
    expect((await failure(queue.barrier())).code).toBe("STORAGE_FAILED");
    expect(queue.stats()).toMatchObject({ state: "failed", pending: 3 });
    expect(faults.filter((phase) => phase === "store")).toHaveLength(1);
    expect((await failure(queue.close())).code).toBe("STORAGE_FAILED");

    const reopened = await mortal(undefined, { path });
    const survivors = when === "before" ? 3 : 4;
    expect(reopened.stats()).toMatchObject({ state: "detached", pending: survivors });
    const driver = new MockDatabase();
    await using db = createDatabase({ driver, layers: [reopened.layer] });
    await db.connect();
    await reopened.barrier();
    expect(await db.count("notes")).toBe(survivors);
  });
});

test("those who wait for room are told, and so is who comes after close", async () => {
  const queue = await mortal({ how: "exit", when: "before", request: "read" }, { maxEntries: 1, overflow: "wait" });
  await queue.enqueue(create("notes:1"));
  const waiting = failure(queue.enqueue(create("notes:2")));
  expect((await failure(queue.deadLetters())).code).toBe("STORAGE_FAILED");
  expect((await waiting).code).toBe("STORAGE_FAILED");
  await failure(queue.close());
  expect((await failure(queue.enqueue(create("notes:3")))).code).toBe("CLOSED");
  expect(queue.stats()).toMatchObject({ state: "closed", rejected: { storage: 1, closed: 1 } });
});

test("a death while it opens is an error, and leaves the file as it was and free", async () => {
  const path = place();
  const before = await mortal(undefined, { path });
  await before.enqueue(create("notes:1"));
  await before.close();
  expect((await failure(mortal({ how: "exception", when: "after", request: "open" }, { path }))).code).toBe(
    "STORAGE_FAILED",
  );
  expect((await mortal(undefined, { path })).stats().pending).toBe(1);
});

test("a service goes on without it: what the database takes is written, what it cannot take is refused", async () => {
  const path = place();
  const queue = await mortal({ how: "exit", when: "before", request: "commit" }, { path });
  const driver = new MockDatabase();
  const db = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  driver.goAway();
  expect(await db.create("notes", { n: 1 }, { id: "notes:1" })).toMatchObject({ status: "queued" });
  await failure(db.create("notes", { text: DEADLY }));
  await until(() => queue.stats().state === "failed");
  expect(await failure(db.create("notes", {}))).toMatchObject({ code: "STORAGE_FAILED", effect: "none" });
  driver.comeBack();
  expect(await db.create("notes", { n: 2 }, { id: "notes:2" })).toMatchObject({ status: "committed" });
  // An earlier write of this record waits, so that a later one must not pass it.
  expect((await failure(db.update("notes:1", { n: 3 }))).code).toBe("STORAGE_FAILED");
  expect((await failure(db.update("notes:1", { n: 3 }, { returning: true }))).code).toBe("STORAGE_FAILED");
  expect(await db.exists("notes:1")).toBe(false);
  await db.disconnect();
  await failure(queue.close());
  expect((await mortal(undefined, { path })).stats().pending).toBe(1);
});

test.each(["commit", "close"] as const)(
  "a thread that hangs in a %s keeps close() for no longer than its limits",
  async (request) => {
    const path = place();
    const queue = await mortal({ how: "hang", when: "before", request }, { path });
    await queue.enqueue(create("notes:1"));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const told = queue.enqueue(create("notes:2", DEADLY), { operationId: "op-2" }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (request === "close") expect(await told).toBeUndefined();
    const closed = failure(queue.close());
    const halfAMinute = async (): Promise<void> => {
      for (let second = 0; second < 30; second += 1) {
        await vi.advanceTimersByTimeAsync(1_000);
        await new Promise(setImmediate);
      }
    };
    await Promise.race([closed, halfAMinute()]);
    expect((await closed).code).toBe("STORAGE_FAILED");
    if (request === "commit")
      expect(await told).toMatchObject({ code: "DURABILITY_UNKNOWN", facts: { operationId: "op-2" } });
    vi.useRealTimers();
    expect((await mortal(undefined, { path })).stats().pending).toBe(request === "commit" ? 1 : 2);
  },
);
