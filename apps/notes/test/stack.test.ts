import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDatabaseError } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { createLogger } from "../src/logger.ts";
import { openStack, poolOf, type Stack } from "../src/stack.ts";
import { json, note, problemIn, stopClock } from "./harness.ts";

async function start(
  env: Record<string, string> = {},
  driver = new MockDatabase(),
): Promise<Stack & { driver: MockDatabase; app: ReturnType<typeof createApp>; dataDir: string }> {
  const dataDir = env.DATA_DIR ?? (await mkdtemp(join(tmpdir(), "notes-")));
  const logger = createLogger("silent");
  const stack = await openStack(readConfig({ ...env, DATA_DIR: dataDir }), logger, { driver });
  onTestFinished(async () => {
    await stack.close().catch(() => {});
    await rm(dataDir, { recursive: true, force: true });
  });
  await stack.db.connect();
  const { db, queue, metrics } = stack;
  return { ...stack, driver, dataDir, app: createApp({ db, queue, metrics, logger }) };
}

const away = { retryAfterMs: 3_000, unavailableAfterMs: 60_000 };

interface Receipt {
  readonly id: string;
  readonly operationId: string;
  readonly status: string;
}

test("an attempt that hangs leaves time for another", { timeout: 30_000 }, async () => {
  // A third of it for the attempt, and more left than a machine pauses for.
  const { db, driver } = await start({ DB_OPERATION_TIMEOUT: "9" });
  driver.hang();
  expect(await db.find("notes")).toEqual({ items: [], next: null });
});

test("a call ends with DB_OPERATION_TIMEOUT, whatever is tried", async () => {
  const { db, driver } = await start({ DB_OPERATION_TIMEOUT: "0.3" });
  driver.latencyMs = 10_000;
  const error: unknown = await db.find("notes").catch((thrown: unknown) => thrown);
  expect(isDatabaseError(error) && error.code).toBe("QUERY_TIMEOUT");
  driver.latencyMs = 0;
});

test("a note made in an outage is answered with 202, can be read at once, and is there when the database is back", async () => {
  const { app, db, driver, queue } = await start();
  driver.goAway(away);
  const made = await app.request("/notes", json("POST", note));
  expect(made.status).toBe(202);
  const receipt = (await made.json()) as Receipt;
  const place = made.headers.get("location") ?? "";
  expect(receipt).toEqual({ id: place.slice("/notes/".length), operationId: expect.any(String), status: "queued" });
  const operation = async () => (await app.request(`/operations/${receipt.operationId}`)).json();
  expect(await operation()).toEqual({ operationId: receipt.operationId, status: "waiting" });
  expect(await (await app.request(place)).json()).toMatchObject({ id: receipt.id, ...note });

  const changed = await app.request(place, json("PATCH", { title: "Bread" }));
  expect(changed.status).toBe(202);
  driver.comeBack();
  await queue.barrier();
  expect(await operation()).toMatchObject({ status: "applied" });
  expect(await db.read(receipt.id)).toMatchObject({ title: "Bread" });
  // The record counts as waiting until its acknowledgement is on the disk.
  await expect.poll(() => queue.stats().lanes).toBe(0);
  expect((await app.request(place, { method: "DELETE" })).status).toBe(204);
  expect(await (await app.request("/operations/never-seen")).json()).toMatchObject({ status: "unknown" });
});

test("past the limit writes are refused with the time of the next dial, and nothing of them is kept", async () => {
  const { app, driver, queue } = await start();
  stopClock();
  driver.goAway({ retryAfterMs: 2_500, unavailableAfterMs: 0 });
  const refused = await app.request("/notes", json("POST", note));
  expect(refused.status).toBe(503);
  expect(await problemIn(refused)).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfter: 3 });
  expect(refused.headers.get("retry-after")).toBe("3");
  expect(queue.stats().pending).toBe(0);
});

test("a change that depends on the note as it is cannot wait, and is refused instead", async () => {
  const { app, driver, queue } = await start({ DB_OPERATION_TIMEOUT: "0.3" });
  const made = await app.request("/notes", json("POST", note));
  const tag = made.headers.get("etag") ?? "";
  driver.goAway(away);
  const init = json("PATCH", { title: "x" });
  const answer = await app.request(made.headers.get("location") ?? "", {
    ...init,
    headers: { ...(init.headers as object), "if-match": tag },
  });
  expect([503, 504]).toContain(answer.status);
  expect(queue.stats().pending).toBe(0);
});

test("what waited when the service ended is applied by the next one", async () => {
  const driver = new MockDatabase();
  const first = await start({}, driver);
  driver.goAway(away);
  const made = await first.app.request("/notes", json("POST", note));
  const { id } = (await made.json()) as Receipt;
  await first.close();
  const second = await start({ DATA_DIR: first.dataDir });
  await second.queue.barrier();
  expect(await second.db.read(id)).toMatchObject(note);
});

test("/metrics tells of the queue", async () => {
  const { app, driver } = await start();
  driver.goAway(away);
  await app.request("/notes", json("POST", note));
  const text = await (await app.request("/metrics")).text();
  expect(text).toMatch(/^database_write_queue_size\{.*\} 1$/m);
});

test("a write that the queue has no room for is refused, with when to come again", async () => {
  const { app, driver, queue } = await start({ QUEUE_MAX_ENTRIES: "1" });
  driver.goAway(away);
  expect((await app.request("/notes", json("POST", note))).status).toBe(202);
  const refused = await app.request("/notes", json("POST", note));
  expect(refused.status).toBe(503);
  await problemIn(refused);
  expect(queue.stats().pending).toBe(1);
});

test("the pool never has more statements in flight than DB_POOL_MAX, whatever that is, nor more of them on a socket than 16", () => {
  for (let max = 1; max <= 1_000; max += 1) {
    const { min, maxSockets, perSocket } = poolOf(max, max);
    const most = maxSockets * perSocket;
    expect(most).toBeLessThanOrEqual(max);
    expect(most).toBeGreaterThan(max - maxSockets);
    expect(perSocket).toBeLessThanOrEqual(16);
    expect(min).toBe(most);
  }
  expect(poolOf(1, 64)).toEqual({ min: 1, maxSockets: 4, perSocket: 16 });
});
