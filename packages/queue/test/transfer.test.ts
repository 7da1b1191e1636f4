import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import { json, MemoryStore, WriteQueue } from "../src/index.ts";
import { messagepack } from "../src/messagepack.ts";
import { v8 } from "../src/v8.ts";
import { failure, rig, until } from "./support/service.ts";

const codecs = [json, messagepack, cbor, v8];

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-transfer-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "queue.export");
}

const data = { at: new Date(5), big: 2n ** 60n, bytes: Uint8Array.of(1, 2), text: "x", object: { $date: 1 } };

test.each(codecs)(
  "a queue moves by hand as $name: order, operation ids, ages, tenants and dead letters",
  async (codec) => {
    const path = file();
    const scope = { namespace: "app", database: "a" };
    const { queue } = await rig();
    await queue.enqueue({ kind: "update", id: "notes:dead", data: {} }, { operationId: "op-dead" });
    await until(() => queue.stats().dead === 1);
    queue.pause();
    await queue.enqueue({ kind: "create", id: "notes:1", data }, { operationId: "op-1", scope });
    await queue.enqueue(
      { kind: "update", id: "notes:1", data: { text: "y" }, remove: ["at"] },
      { operationId: "op-2", scope },
    );
    await queue.enqueue({ kind: "delete", id: "notes:2" }, { operationId: "op-3" });
    expect(await queue.exportTo(path, codec)).toBe(4);
    const [before] = await queue.deadLetters();

    const next = await rig({ queue: { codecs } });
    next.queue.pause();
    expect(await next.queue.importFrom(path)).toEqual({ imported: 4, skipped: 0 });
    expect(await next.queue.importFrom(path)).toEqual({ imported: 0, skipped: 4 });
    const [letter] = await next.queue.deadLetters();
    expect({ ...letter, seq: 0 }).toEqual({ ...before, seq: 0 });
    next.queue.resume();
    await next.queue.barrier();
    const { at: _, ...rest } = data;
    expect(await next.db.withScope(scope).read("notes:1")).toEqual({ ...rest, text: "y", id: "notes:1" });
    expect(next.queue.outcome("op-3")).toBe("applied");
    expect(
      next.driver.calls
        .filter(({ kind }) => kind !== "read")
        .map(({ operationId }) => operationId)
        .slice(-3)
        .sort(),
    ).toEqual(["op-1", "op-2", "op-3"]);
  },
);

test("an export is whole or not there", async () => {
  const path = file();
  const { queue } = await rig({ connect: false });
  await queue.enqueue({ kind: "delete", id: "notes:1" });
  await expect(queue.exportTo(join(path, "no", "folder"))).rejects.toThrow("ENOENT");
  await expect(
    queue.exportTo(path, {
      ...json,
      encode: () => {
        throw new Error("codec");
      },
    }),
  ).rejects.toThrow("codec");
  expect(readdirSync(join(path, ".."))).toEqual([]);
});

test.each([
  ["nothing", "", "line 1: expected an export of @db/queue"],
  ["no JSON", "hello\n", "line 1: expected a line of JSON"],
  ["another file", '{"a":1}\n', "line 1: expected an export of @db/queue in the format 1"],
  ["a codec that is not there", '{"db-queue-export":1,"codec":"cbor"}\n', 'got "cbor"'],
  ["a cut line", '{"db-queue-export":1,"codec":"json"}\n{"seq":1,"operationId":"a"', "line 2: expected a line of JSON"],
  ["no entry", '{"db-queue-export":1,"codec":"json"}\n{"seq":1}\n', "line 2: expected an entry"],
  [
    "no write",
    '{"db-queue-export":1,"codec":"v8"}\n{"operationId":"a","queuedAt":1,"write":"AAAA"}\n',
    "line 2: expected a write",
  ],
])("an import of %s is refused with its line", async (_what, text, message) => {
  const path = file();
  writeFileSync(path, text);
  const { queue } = await rig({ connect: false, queue: { codecs: [v8] } });
  const error = await failure(queue.importFrom(path));
  expect(error.code).toBe("VALIDATION_FAILED");
  expect(error.message).toContain(message);
});

test("entries of four codecs stand in one queue, and drain under another", async () => {
  const store = new MemoryStore();
  for (const [index, codec] of codecs.entries()) {
    await using queue = await WriteQueue.open({ store, codec, codecs });
    await queue.enqueue({ kind: "create", id: `notes:${index}`, data });
  }
  const { db, queue } = await rig({ queue: { store, codec: cbor, codecs } });
  await queue.barrier();
  for (const index of codecs.keys()) expect(await db.read(`notes:${index}`)).toEqual({ ...data, id: `notes:${index}` });
});

test("without the codec of its entries a queue does not open, and says which", async () => {
  const store = new MemoryStore();
  {
    await using queue = await WriteQueue.open({ store, codec: messagepack });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
  }
  await expect(WriteQueue.open({ store })).rejects.toThrow("expected the codec messagepack (@db/queue/messagepack)");
  await using queue = await WriteQueue.open({ store, codecs: [messagepack] });
  expect(queue.stats().pending).toBe(1);
});

test("the lines can be read by people", async () => {
  const path = file();
  const { queue } = await rig({ connect: false });
  await queue.enqueue({ kind: "create", id: "notes:1", data: { title: "Milk" } }, { operationId: "op-1" });
  await queue.exportTo(path);
  const [head, line = ""] = readFileSync(path, "utf8").split("\n");
  expect(head).toBe('{"db-queue-export":1,"codec":"json"}');
  expect(JSON.parse(line)).toMatchObject({
    operationId: "op-1",
    write: { kind: "create", id: "notes:1", data: { title: "Milk" } },
  });
});
