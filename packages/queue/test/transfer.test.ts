import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative as relativePath } from "node:path";
import { DatabaseErrorOf } from "@db/core";
import { expect, onTestFinished, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import { type Codec, json, MemoryStore, WriteQueue } from "../src/index.ts";
import { messagepack } from "../src/messagepack.ts";
import type { StoredWrite } from "../src/stored-write.ts";
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
  const nowhere = join(path, "no", "folder");
  for (const call of [() => queue.exportTo(nowhere), () => queue.importFrom(nowhere)])
    expect(await failure(call())).toMatchObject({ code: "STORAGE_FAILED", facts: { path: nowhere } });
  await expect(
    queue.exportTo(path, {
      ...json,
      encode: () => {
        throw new Error("codec");
      },
    }),
  ).rejects.toThrow("codec");
  expect(readdirSync(join(path, ".."))).toEqual([]);
  mkdirSync(path);
  expect(await failure(queue.exportTo(path))).toMatchObject({ code: "STORAGE_FAILED", facts: { path } });
  expect(readdirSync(join(path, ".."))).toEqual(["queue.export"]);
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
  [
    "a kind that is none, which must not delete the record",
    '{"db-queue-export":1,"codec":"json"}\n{"operationId":"a","queuedAt":1,"write":{"kind":"upsert","id":"notes:1","data":{}}}\n',
    "line 2: expected a write",
  ],
  [
    "an operation id that no entry can hold",
    `{"db-queue-export":1,"codec":"json"}\n{"operationId":"${"a".repeat(300)}","queuedAt":1,"write":{"kind":"delete","id":"notes:1"}}\n`,
    "line 2: expected an entry",
  ],
  [
    "a scope that is none",
    '{"db-queue-export":1,"codec":"json"}\n{"operationId":"a","queuedAt":1,"write":{"kind":"delete","id":"notes:1","scope":"x"}}\n',
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

test("a codec of somebody else's is named by its id, also where the first entry that has it is damaged", async () => {
  const store = new MemoryStore();
  const own = { ...json, id: 70, name: "own" };
  {
    await using queue = await WriteQueue.open({ store, codec: own });
    for (const id of ["notes:1", "notes:2"]) await queue.enqueue({ kind: "delete", id });
  }
  const read = store.read.bind(store);
  let asked = 0;
  store.read = async (seqs) => {
    asked += 1;
    return asked === 1 ? [Uint8Array.of(1)] : read(seqs);
  };
  await expect(WriteQueue.open({ store })).rejects.toThrow("the codec with the id 70, which is none of this package's");
  store.read = async (seqs) => seqs.map(() => undefined);
  await using queue = await WriteQueue.open({ store });
  expect(queue.stats().pending).toBe(2);
});

test("lines that were written by hand need no more than an entry has to have", async () => {
  const path = file();
  const line = { operationId: "op-1", queuedAt: 5, write: { kind: "create", id: "notes:1", data: { a: 1 } } };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const { db, queue } = await rig();
  expect(await queue.importFrom(path)).toEqual({ imported: 1, skipped: 0 });
  await queue.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
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

test("texts with the line ends of Unicode, which may stand in JSON, move as they are", async () => {
  const path = file();
  const text = "a\u2028b\u2029c";
  const { queue } = await rig({ connect: false });
  await queue.enqueue({ kind: "create", id: "notes:1", data: { text } });
  await queue.exportTo(path);
  const next = await rig();
  expect(await next.queue.importFrom(path)).toEqual({ imported: 1, skipped: 0 });
  await next.queue.barrier();
  expect(await next.db.read("notes:1")).toEqual({ id: "notes:1", text });
});

test("a codec of one's own that makes text is read by itself, not as JSON", async () => {
  const reversed = (text: string): string => [...text].reverse().join("");
  const own: Codec = {
    id: 200,
    name: "reversed",
    encode: (write) => reversed(JSON.stringify(write)),
    decode: (bytes) => JSON.parse(reversed(Buffer.from(bytes).toString("utf8"))) as StoredWrite,
  };
  const path = file();
  const { queue } = await rig({ connect: false });
  await queue.enqueue({ kind: "create", id: "notes:1", data: { n: 1 } });
  await queue.exportTo(path, own);
  const next = await rig({ queue: { codecs: [own] } });
  await next.queue.importFrom(path);
  await next.queue.barrier();
  expect(await next.db.read("notes:1")).toEqual({ id: "notes:1", n: 1 });
});

test("a damaged entry in front does not hide that the codec of the others is not there", async () => {
  const store = new MemoryStore();
  {
    await using queue = await WriteQueue.open({ store, codec: messagepack });
    for (const id of ["notes:1", "notes:2"]) await queue.enqueue({ kind: "create", id, data: {} });
  }
  const read = store.read.bind(store);
  store.read = async (seqs) =>
    (await read(seqs)).map((bytes, index) => (seqs[index] === 1 ? bytes?.map((byte) => byte ^ 1) : bytes));
  await expect(WriteQueue.open({ store })).rejects.toThrow("expected the codec messagepack");
});

test("a dead letter that could not be stored is none, and is one when the import is repeated", async () => {
  const path = file();
  const note = { attempts: 3, deadSince: 7 };
  const line = { operationId: "op-1", queuedAt: 5, note, write: { kind: "update", id: "notes:1", data: { a: 1 } } };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const store = new MemoryStore();
  const commit = store.commit.bind(store);
  const { queue } = await rig({ connect: false, queue: { store } });
  store.commit = () => Promise.reject(new DatabaseErrorOf("QUEUE_FULL", "no space", {}));
  expect((await failure(queue.importFrom(path))).code).toBe("QUEUE_FULL");
  expect(queue.stats()).toMatchObject({ pending: 0, dead: 0, lanes: 0 });
  store.commit = commit;
  expect(await queue.importFrom(path)).toEqual({ imported: 1, skipped: 0 });
  expect(await queue.deadLetters()).toMatchObject([{ operationId: "op-1", attempts: 3, deadSince: 7 }]);
});

test("an export does not take the place of the queue's own files", async () => {
  const path = join(file(), "..", "own.db");
  await using queue = await WriteQueue.open({ path });
  await queue.enqueue({ kind: "delete", id: "notes:1" });
  const alias = `${path}-alias`;
  symlinkSync(path, alias);
  for (const target of [path, `${path}-wal`, `${path}-shm`, `${path}-lock`, join(path, "..", ".", "own.db"), alias])
    expect((await failure(queue.exportTo(target))).code).toBe("VALIDATION_FAILED");
  expect((await WriteQueue.inspect(path)).entries).toBe(1);
  const relative = join(relativePath(process.cwd(), join(path, "..")), "own.db");
  expect((await failure(queue.exportTo(relative))).code).toBe("VALIDATION_FAILED");
});

test("two exports to one file do not mix, and what an earlier one left behind neither matters nor opens it to others", async () => {
  const path = file();
  writeFileSync(`${path}.part`, "what a killed export left", { mode: 0o644 });
  const { queue } = await rig({ connect: false });
  await Promise.all(Array.from({ length: 601 }, (_, n) => queue.enqueue({ kind: "delete", id: `notes:${n}` })));
  expect(await Promise.all([queue.exportTo(path), queue.exportTo(path)])).toEqual([601, 601]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const next = await rig({ connect: false });
  expect(await next.queue.importFrom(path)).toEqual({ imported: 601, skipped: 0 });
});

test("a dead letter that is imported behind waiting writes of its record is not applied by itself", async () => {
  const path = file();
  const error = { code: "OUTCOME_UNKNOWN", message: "may have been applied", at: 7 };
  const note = { attempts: 3, deadSince: 7, lastError: error };
  const write = { kind: "update", id: "counters:1", data: { n: 1 }, mode: "increment" };
  writeFileSync(
    path,
    `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify({ operationId: "op-dead", queuedAt: 5, note, write })}\n`,
  );
  const store = new MemoryStore();
  {
    await using queue = await WriteQueue.open({ store });
    await queue.enqueue({ kind: "create", id: "counters:1", data: { n: 0 } }, { operationId: "op-1" });
    await queue.importFrom(path);
    await queue.enqueue({ kind: "update", id: "counters:1", data: { a: 1 } }, { operationId: "op-2" });
    expect(await queue.deadLetters()).toEqual([]);
  }
  const { db, queue } = await rig({ queue: { store } });
  await queue.barrier();
  expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 0 });
  expect(await queue.deadLetters()).toMatchObject([
    { operationId: "op-dead", attempts: 3, deadSince: 7, lastError: error, parked: 1 },
  ]);
  expect(await queue.redrive("op-dead")).toBe(1);
  await queue.barrier();
  expect(await db.read("counters:1")).toEqual({ id: "counters:1", n: 1, a: 1 });
});

test("an entry that cannot be decoded is named by an export, which tells nothing of what is in it", async () => {
  const path = file();
  const store = new MemoryStore();
  const broken = { ...json, id: 70, name: "own", encode: () => '{"secret":"hunter2"' };
  const { queue } = await rig({ connect: false, queue: { store, codec: broken } });
  await queue.enqueue({ kind: "delete", id: "notes:1" });
  const error = await failure(queue.exportTo(path));
  expect(error).toMatchObject({ code: "STORAGE_DAMAGED" });
  expect(`${error.message} ${String(error.cause)}`).not.toContain("hunter2");
  expect(readdirSync(join(path, ".."))).toEqual([]);
});

test("an import from a folder is an error of ours", async () => {
  const folder = join(file(), "..");
  const { queue } = await rig({ connect: false });
  expect(await failure(queue.importFrom(folder))).toMatchObject({ code: "STORAGE_FAILED", facts: { path: folder } });
});

test.each([
  ["after all time", "1e999"],
  ["that no date can tell", "1e300"],
])("an import of an entry queued %s is refused", async (_what, queuedAt) => {
  const path = file();
  const entry = `{"operationId":"a","queuedAt":${queuedAt},"write":{"kind":"delete","id":"notes:1"}}`;
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${entry}\n`);
  const { queue } = await rig({ connect: false });
  expect((await failure(queue.importFrom(path))).message).toContain("line 2: expected an entry");
});

test.each([
  ["that is no object", [1]],
  ["with a fingerprint that is none", { kind: "delete", id: "notes:1", fingerprint: "a b" }],
  ["of no kind", { id: "notes:1" }],
])("an import of a write %s is refused with its line", async (_what, write) => {
  const path = file();
  const line = { operationId: "op-1", queuedAt: 5, write };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const { queue } = await rig({ connect: false });
  const error = await failure(queue.importFrom(path));
  expect([error.code, error.message]).toEqual([
    "VALIDATION_FAILED",
    expect.stringContaining("line 2: expected a write"),
  ]);
  expect(queue.stats().pending).toBe(0);
});

test("readYourWrites shows nothing of what stands behind a dead letter that was imported", async () => {
  const path = file();
  const note = { attempts: 1, deadSince: 7, lastError: { code: "NOT_FOUND", message: "no such record", at: 7 } };
  const write = { kind: "update", id: "notes:1", data: { dead: true }, mode: "merge" };
  const line = { operationId: "op-dead", queuedAt: 5, note, write };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const { db, queue } = await rig({ queue: { readYourWrites: true } });
  queue.pause();
  await queue.enqueue({ kind: "create", id: "notes:1", data: { a: 1 } });
  await queue.importFrom(path);
  await queue.enqueue({ kind: "update", id: "notes:1", data: { behind: true } });
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1 });
});

test("an import of an update that names no mode is a merge", async () => {
  const path = file();
  const line = { operationId: "op-1", queuedAt: 5, write: { kind: "update", id: "notes:1", data: { b: 2 } } };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const { db, queue, driver } = await rig();
  await db.create("notes", { a: 1 }, { id: "notes:1" });
  await queue.importFrom(path);
  await queue.barrier();
  expect(await db.read("notes:1")).toEqual({ id: "notes:1", a: 1, b: 2 });
  expect(driver.calls.map(({ operation }) => operation)).toContainEqual(expect.objectContaining({ mode: "merge" }));
});

test("an export takes no option that it does not know, and no codec that is none", async () => {
  const path = file();
  const { queue } = await rig({ connect: false });
  await expect(queue.exportTo(path, json, { onprogress: () => {} } as never)).rejects.toThrow(
    'exportTo: unknown option "onprogress"',
  );
  await expect(queue.exportTo(path, "json" as never)).rejects.toThrow("codec: expected a codec");
  expect(readdirSync(join(path, ".."))).toEqual([]);
});

/** An import of one dead letter, and the end of the process in the first commit that it has a part in. */
async function killedInImport(before: (queue: WriteQueue) => void): Promise<MemoryStore> {
  const path = file();
  const write = { kind: "update", id: "notes:dead", data: {} };
  const line = { operationId: "op-dead", queuedAt: 5, note: { attempts: 3, deadSince: 7 }, write };
  writeFileSync(path, `{"db-queue-export":1,"codec":"json"}\n${JSON.stringify(line)}\n`);
  const store = new MemoryStore();
  const commit = store.commit.bind(store);
  const { queue } = await rig({ connect: false, queue: { store } });
  const busy = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  let commits = 0;
  store.commit = async (batch) => {
    commits += 1;
    if (commits === 1) await busy.promise;
    // Of a process that is gone nothing more is stored.
    return commits <= 2 ? commit(batch) : gone.promise;
  };
  queue.enqueue({ kind: "delete", id: "notes:first" }).catch(() => {});
  await until(() => commits === 1);
  before(queue);
  queue.importFrom(path).catch(() => {});
  await until(() => queue.stats().dead === 1);
  busy.resolve();
  await until(() => commits === 3);
  const left = new MemoryStore();
  const found = await store.open();
  const seqs: number[] = [];
  for await (const chunk of found.entries) seqs.push(...chunk.seqs);
  const bytes = (await store.read(seqs)).map((entry) => Buffer.from(entry ?? []));
  const entries = Buffer.concat(bytes.flatMap((entry) => [Buffer.from(Uint32Array.of(entry.length).buffer), entry]));
  await left.commit({
    firstSeq: seqs[0] ?? 0,
    count: seqs.length,
    entries,
    removed: [],
    notes: [...found.notes],
    outcomes: [],
    forgetOutcomesBefore: 0,
    meta: found.meta,
  });
  gone.resolve();
  return left;
}

test("what an import noted about an entry that a kill kept from being stored is not taken for that of the next", async () => {
  const big = "x".repeat(600_000);
  const store = await killedInImport((queue) => {
    for (const id of ["notes:1", "notes:2"]) queue.enqueue({ kind: "create", id, data: { big } }).catch(() => {});
  });
  expect([...(await store.open()).notes]).toHaveLength(1);
  {
    await using queue = await WriteQueue.open({ store });
    const { seq } = await queue.enqueue({ kind: "create", id: "notes:next", data: {} });
    expect([...(await store.open()).notes.keys()]).not.toContain(seq);
  }
  const { db, queue } = await rig({ queue: { store } });
  await queue.barrier();
  expect(await db.read("notes:next")).toEqual({ id: "notes:next" });
  expect(queue.stats().dead).toBe(0);
});

test("what an import noted about an entry is never stored after it: a kill in between would revive a dead letter", async () => {
  const path = file();
  const write = Buffer.from(JSON.stringify({ kind: "update", id: "notes:dead", data: {} })).toString("base64");
  const line = { operationId: "op-dead", queuedAt: 5, note: { attempts: 3, deadSince: 7 }, write };
  writeFileSync(path, `{"db-queue-export":1,"codec":"own"}\n${JSON.stringify(line)}\n`);
  const store = new MemoryStore();
  let queue: WriteQueue | undefined;
  const calls: Promise<unknown>[] = [];
  const decode = (bytes: Uint8Array): StoredWrite => {
    // As many as make the next entry the one with which a batch leaves at once.
    if (calls.length === 0)
      for (let n = 0; n < 255; n += 1)
        calls.push(queue?.enqueue({ kind: "delete", id: `notes:${n}` }) ?? Promise.reject());
    return json.decode(bytes);
  };
  ({ queue } = await rig({ connect: false, queue: { store, codecs: [{ ...json, id: 200, name: "own", decode }] } }));
  const commit = store.commit.bind(store);
  const noted: (readonly [number, number[]])[] = [];
  store.commit = (batch) => {
    noted.push([batch.firstSeq + batch.count, batch.notes.map(([seq]) => seq)]);
    return commit(batch);
  };
  await queue.importFrom(path);
  await Promise.all(calls);
  const [letter] = await queue.deadLetters();
  const last = noted.findIndex(([end]) => end > (letter?.seq ?? 0));
  expect(noted.slice(0, last + 1).flatMap(([, seqs]) => seqs)).toContain(letter?.seq);
});
