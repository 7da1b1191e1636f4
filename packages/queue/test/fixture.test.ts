import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { cbor } from "../src/cbor.ts";
import { WriteQueue } from "../src/index.ts";
import { messagepack } from "../src/messagepack.ts";
import { v8 } from "../src/v8.ts";

vi.setConfig({ testTimeout: 30_000 });

test("a file of the first version opens, with all that is in it, and drains", async () => {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-fixture-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "queue.db");
  copyFileSync(new URL("fixtures/queue-1.db", import.meta.url), path);
  await using queue = await WriteQueue.open({
    path,
    codecs: [messagepack, cbor, v8],
    ledgerRetentionMs: 2_147_483_647,
  });
  expect(queue.stats()).toMatchObject({ pending: 9, dead: 1, parked: 1 });
  expect((await queue.deadLetters())[0]).toMatchObject({
    operationId: "dead",
    id: "notes:dead",
    data: { a: 1 },
    attempts: 1,
    lastError: { code: "NOT_FOUND" },
  });
  const driver = new MockDatabase();
  await using db = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  await queue.barrier();
  const data = {
    at: new Date(5),
    big: 2n ** 60n,
    bytes: Uint8Array.of(1, 2),
    text: "ü😀",
    nested: { list: [1, null, true] },
  };
  for (const codec of ["json", "messagepack", "cbor", "v8"])
    expect(await db.read(`notes:${codec}`)).toEqual({ id: `notes:${codec}`, ...data });
  const tenant = db.withScope({ namespace: "app", database: "a" });
  expect(await tenant.read("notes:scoped")).toEqual({ id: "notes:scoped", n: 3, kept: true });
});
