import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseErrorOf } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { readConfig } from "../src/config.ts";
import { createLogger } from "../src/logger.ts";
import { openStack } from "../src/stack.ts";
import { json, note, problemIn, startApp } from "./harness.ts";

function keyed(key: string, body: unknown): RequestInit {
  const init = json("POST", body);
  return { ...init, headers: { ...(init.headers as object), "idempotency-key": key } };
}

test("the same request under the same key makes one note, and has the same answer", async () => {
  const { app, db } = await startApp();
  const first = await app.request("/notes", keyed("k-1", note));
  expect(first.status).toBe(201);
  const record = await first.json();
  for (const key of ["k-1", '"k-1"']) {
    const again = await app.request("/notes", keyed(key, note));
    expect(again.status).toBe(201);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(await again.json()).toEqual(record);
  }
  expect((await db.find("notes")).items).toHaveLength(1);
  const other = await app.request("/notes", keyed("k-2", note));
  expect(await other.json()).not.toMatchObject({ id: (record as { readonly id: string }).id });
});

test("another body under the same key is refused and changes nothing", async () => {
  const { app, db } = await startApp();
  await app.request("/notes", keyed("k-1", note));
  const other = await app.request("/notes", keyed("k-1", { ...note, title: "Bread" }));
  expect(other.status).toBe(422);
  await problemIn(other);
  expect((await db.find("notes")).items).toMatchObject([{ title: note.title }]);
});

test("another body is refused while the first waits for the database, also after a restart, and once it is applied", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "notes-idempotency-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const logger = createLogger("silent");
  const start = async () => {
    const mock = new MockDatabase();
    const stack = await openStack(readConfig({ DATA_DIR: dataDir }), logger, { driver: mock });
    onTestFinished(() => stack.close());
    stack.queue.pause();
    await stack.db.connect();
    const app = createApp({ ...stack, logger });
    return { ...stack, mock, send: (title: string) => app.request("/notes", keyed("k-1", { ...note, title })) };
  };

  const before = await start();
  before.mock.goAway();
  const first = await before.send("Milk");
  expect(first.status).toBe(202);
  expect((await before.send("Bread")).status).toBe(422);
  expect((await before.send("Milk")).headers.get("location")).toBe(first.headers.get("location"));
  await before.close();

  const { db, queue, send } = await start();
  expect((await send("Bread")).status).toBe(422);
  expect((await send("Milk")).status).toBe(202);
  expect(queue.stats()).toMatchObject({ pending: 1, enqueued: 0 });
  queue.resume();
  await queue.barrier();
  await expect.poll(() => queue.stats().lanes).toBe(0);
  expect((await send("Bread")).status).toBe(422);
  expect((await send("Milk")).status).toBe(201);
  expect((await db.find("notes")).items).toMatchObject([{ title: "Milk" }]);
});

test("a repeat that comes while the first still runs is told to come again", async () => {
  const { app, mock } = await startApp();
  mock.latencyMs = 30;
  const [first, second] = await Promise.all([
    app.request("/notes", keyed("k-1", note)),
    app.request("/notes", keyed("k-1", note)),
  ]);
  expect([first.status, second.status].sort()).toEqual([201, 409]);
  expect((first.status === 409 ? first : second).headers.get("retry-after")).toBe("1");
  expect((await app.request("/notes", keyed("k-1", note))).status).toBe(201);
});

test("what is stored is told as stored, also where it cannot be read back", async () => {
  const { app, db, mock } = await startApp();
  const failure = new DatabaseErrorOf("SERVICE_UNAVAILABLE", "away", { retryAfterMs: 1_000 });
  mock.failNext(failure, { kind: "read" });
  const first = await app.request("/notes", keyed("k-1", note));
  expect(first.status).toBe(201);
  expect(await first.json()).toMatchObject(note);
  mock.failNext(failure, { kind: "read" });
  const again = await app.request("/notes", keyed("k-1", note));
  expect([again.status, again.headers.get("location")]).toEqual([201, first.headers.get("location")]);
  expect((await db.find("notes")).items).toHaveLength(1);
});

test("a failed request leaves its key free", async () => {
  const { app } = await startApp();
  expect((await app.request("/notes", keyed("k-1", { title: 7 }))).status).toBe(400);
  expect((await app.request("/notes", keyed("k-1", note))).status).toBe(201);
});

test.each(["", " ", "a b", "ä", "x".repeat(256)])("a key that is none is refused: %j", async (key) => {
  const { app } = await startApp();
  const init = json("POST", note);
  const headers = new Headers(init.headers);
  try {
    headers.set("idempotency-key", key);
  } catch {
    // What HTTP itself cannot carry never arrives.
    return;
  }
  expect((await app.request("/notes", { ...init, headers })).status).toBe(400);
});
