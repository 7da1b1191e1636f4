import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { main } from "../src/cli.ts";
import { WriteQueue } from "../src/index.ts";
import { until } from "./support/service.ts";

vi.setConfig({ testTimeout: 30_000 });

async function run(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: readonly string[]; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(
    args,
    (line) => out.push(line),
    (line) => err.push(line),
  );
  return { code, out, err: err.join("\n") };
}

/** A file with one dead letter, one write behind it and one that waits. */
async function file(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "queue.db");
  await using queue = await WriteQueue.open({ path });
  const db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
  await db.connect();
  await queue.enqueue({ kind: "update", id: "notes:1", data: { at: new Date(0) } }, { operationId: "op-1" });
  await until(() => queue.stats().dead === 1);
  queue.pause();
  await queue.enqueue({ kind: "update", id: "notes:1", data: { b: 2 } }, { operationId: "op-2" });
  await queue.enqueue({ kind: "create", id: "notes:2", data: { c: 3 } }, { operationId: "op-3" });
  await db.disconnect();
  return path;
}

test("list, show and verify tell what is in a file, also while it is in use", async () => {
  const path = await file();
  await using queue = await WriteQueue.open({ path });
  const list = await run("list", path);
  expect(list.code).toBe(0);
  expect(list.out).toHaveLength(3);
  expect(list.out[0]).toMatch(/^\d+ {2}\S+Z {2}op-1 {2}dead {2}\d+ bytes {2}1 attempts, NOT_FOUND: /);
  expect((await run("list", path, "--dead")).out).toHaveLength(1);
  const lines = (await run("list", path, "--json", "--limit", "2")).out.map(
    (line) => JSON.parse(line) as { state: string; seq: number },
  );
  expect(lines.map(({ state }) => state)).toEqual(["dead", "waiting"]);
  expect((await run("list", path, "--after", String(lines[1]?.seq))).out).toHaveLength(1);
  expect((await run("list", path, "--limit", "1")).out.at(-1)).toContain("at most 1 are shown");
  const shown = await run("show", path, "op-1");
  expect(JSON.parse(shown.out[0] ?? "")).toMatchObject({
    operationId: "op-1",
    write: { id: "notes:1", data: { at: { $date: "1970-01-01T00:00:00.000Z" } } },
  });
  expect((await run("show", path, "notes:1")).out).toHaveLength(2);
  expect(await run("show", path, "nobody")).toMatchObject({ code: 1, out: ["no entry nobody"] });
  const verified = await run("verify", path);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.out).toEqual([
    expect.stringContaining("3 entries"),
    expect.stringContaining(`process ${process.pid}`),
    "sound",
  ]);
  expect(JSON.parse((await run("verify", path, "--json")).out[0] ?? "")).toMatchObject({
    entries: 3,
    dead: 1,
    damage: [],
  });
  expect(queue.stats().pending).toBe(3);
});

test("what changes a file is refused while a process has it, and names that", async () => {
  const path = await file();
  await using _queue = await WriteQueue.open({ path });
  const { code, err } = await run("redrive", path, "op-1");
  expect(code).toBe(1);
  expect(err).toContain(`is in use by the process ${process.pid}`);
  expect(err).toContain("(DATABASE_LOCKED)");
});

test("redrive, discard and export do what they say", async () => {
  const path = await file();
  expect(await run("redrive", path, "op-1", "op-9")).toMatchObject({
    code: 1,
    out: ["op-1: done (1)", "op-9: no such dead letter"],
  });
  expect((await run("list", path, "--dead")).out).toEqual(["no dead letters"]);
  const other = await file();
  expect(await run("discard", other, "notes:1", "--reason", "a mistake")).toMatchObject({ code: 0 });
  expect((await run("list", other)).out).toHaveLength(2);
  const target = `${other}.export`;
  expect(await run("export", other, target)).toMatchObject({ code: 0, out: [`2 entries written to ${target}`] });
  expect(readFileSync(target, "utf8").trim().split("\n")).toHaveLength(3);
});

test("what is decided can be told as JSON", async () => {
  const path = await file();
  const { code, out } = await run("redrive", path, "op-1", "op-9", "--json");
  expect([code, ...out.map((line) => JSON.parse(line) as object)]).toEqual([
    1,
    { id: "op-1", count: 1 },
    { id: "op-9", count: 0 },
  ]);
  const target = `${path}.export`;
  expect((await run("export", path, target, "--json")).out).toEqual([JSON.stringify({ entries: 3, target })]);
  const nowhere = join(path, "folder", "export");
  expect((await run("export", path, nowhere)).err).toBe(
    `db-queue: ${nowhere} cannot be written (ENOTDIR) (STORAGE_FAILED)`,
  );
});

test("long work says how far it is; interrupted it leaves nothing behind, and the queue free", async () => {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "queue.db");
  {
    await using queue = await WriteQueue.open({ path, durability: "os" });
    const ids = Array.from({ length: 10_000 }, (_, index) => `notes:${index}`);
    await Promise.all(ids.map((id) => queue.enqueue({ kind: "delete", id })));
  }
  const seen: string[] = [];
  const none = (): void => {};
  expect(await main(["verify", path], none, none, (text) => seen.push(text))).toBe(0);
  expect(seen).toEqual(["10000 entries looked at …", ""]);
  const target = join(folder, "export");
  const interrupted = await main(["export", path, target], none, none, (text) => {
    seen.push(text);
    process.emit("SIGINT");
  });
  expect(interrupted).toBe(130);
  expect(seen.slice(2)).toEqual(["256 of 10000 entries written …", ""]);
  expect(readdirSync(folder).filter((name) => name.startsWith("export"))).toEqual([]);
  expect(process.listenerCount("SIGINT")).toBe(0);
  await using queue = await WriteQueue.open({ path });
  expect(queue.stats().pending).toBe(10_000);
});

test("a damaged file is told from a sound one by the exit code", async () => {
  const path = await file();
  writeFileSync(path, "garbage".repeat(2_000));
  expect((await run("verify", path)).code).toBe(1);
  expect(await run("list", path)).toMatchObject({ code: 1 });
});

test.each<[readonly string[], string]>([
  [[], "expected a command"],
  [["list"], 'expected a file after "list"'],
  [["drop", "x"], 'got "drop"'],
  [["redrive", "x"], "expected one id or more"],
  [["show", "x"], "expected one argument after the file, got 0"],
  [["discard", "x", "1"], "expected --reason with discard"],
  [["list", "x", "--limit", "many"], 'expected --limit to be a number, got "many"'],
  [["list", "x", "--colour"], "colour"],
  [["list", "x", "--limit", "0"], 'expected --limit to be at least 1, got "0"'],
  [["list", "x", "y"], "expected nothing after the file, got 1"],
  [["verify", "x", "y", "z"], "expected nothing after the file, got 2"],
  [["list", "x", "--reason", "why"], "list has no option --reason"],
  [["verify", "x", "--dead"], "verify has no option --dead"],
  [["redrive", "x", "1", "--limit", "5"], "redrive has no option --limit"],
  [["export", "x", "y", "--after", "5"], "export has no option --after"],
])("%j is called wrongly: exit code 2, what was expected, and the help", async (args, message) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(message);
  expect(err).toContain("Usage: db-queue");
});

test("--help is no mistake; a file that is not there is one, and none is made", async () => {
  expect(await run("--help")).toMatchObject({ code: 0, err: "" });
  const { code, err } = await run("redrive", join(tmpdir(), "db-queue-is-not-there"), "1");
  expect(code).toBe(1);
  expect(err).toContain("(STORAGE_FAILED)");
});

test("what is damaged, or written with a codec that is not there, is shown as such", async () => {
  const path = await file();
  const db = new DatabaseSync(path);
  const rows = db.prepare("SELECT seq, entry FROM entries ORDER BY seq").all();
  const [damaged = 0, strange = 0] = rows.map(({ seq }) => Number(seq));
  db.prepare("UPDATE entries SET entry = x'0102' WHERE seq = ?").run(damaged);
  const bytes = Buffer.from(rows[1]?.entry as Uint8Array);
  bytes[5] = 77;
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  db.prepare("UPDATE entries SET entry = ? WHERE seq = ?").run(bytes, strange);
  db.close();
  expect((await run("list", path)).out[0]).toBe(`${damaged}  damaged, 2 bytes`);
  expect(JSON.parse((await run("list", path, "--json")).out[0] ?? "")).toMatchObject({
    seq: damaged,
    state: "damaged",
  });
  expect((await run("show", path, String(damaged))).out[0]).toContain('"write":"damaged"');
  expect((await run("show", path, "op-2")).out[0]).toContain(
    '"write":"written with the codec 77, which is not installed"',
  );
  expect((await run("verify", path)).out.at(-1)).toBe(`damaged: the entry ${damaged} is not what was written`);
});

test("a dead letter is also known by its number, and a queue without entries says so", async () => {
  const path = await file();
  const [first] = (await run("list", path, "--json", "--dead")).out;
  const { seq } = JSON.parse(first ?? "") as { seq: number };
  expect(await run("discard", path, String(seq), "--reason", "a mistake")).toMatchObject({ out: [`${seq}: done (1)`] });
  const empty = `${path}-empty`;
  await (await WriteQueue.open({ path: empty })).close();
  expect((await run("list", empty)).out).toEqual(["no entries"]);
});

/** A file with a dead letter for each of some operation ids. */
async function deadLetters(...operationIds: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "queue.db");
  await using queue = await WriteQueue.open({ path });
  const db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
  await db.connect();
  for (const operationId of operationIds)
    await queue.enqueue({ kind: "update", id: `notes:${operationId}`, data: {} }, { operationId });
  await until(() => queue.stats().dead === operationIds.length);
  await db.disconnect();
  return path;
}

test("an operation id of digits is one, and nothing is done where it is also the number of another entry", async () => {
  const path = await deadLetters("2", "b", "777");
  expect(await run("redrive", path, "777")).toMatchObject({ code: 0, out: ["777: done (1)"] });
  const { code, err } = await run("discard", path, "b", "2", "--reason", "a mistake");
  expect(code).toBe(2);
  expect(err).toContain('"2" is the operation id of one dead letter and the seq of another');
  expect((await run("list", path, "--dead")).out).toHaveLength(2);
  expect(await run("discard", path, "notes:2", "--reason", "a mistake")).toMatchObject({ code: 0 });
});

test("an entry that its codec cannot decode is shown as such, and hides no other", async () => {
  const path = await file();
  const db = new DatabaseSync(path);
  const [row] = db.prepare("SELECT seq, entry FROM entries ORDER BY seq").all();
  const bytes = Buffer.from(row?.entry as Uint8Array);
  bytes[5] = 4;
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  db.prepare("UPDATE entries SET entry = ? WHERE seq = ?").run(bytes, row?.seq as number);
  db.close();
  expect((await run("show", path, "op-1")).out[0]).toContain('"write":"it cannot be decoded');
  expect((await run("show", path, "op-3")).out).toHaveLength(1);
});

test("a queue with entries of a codec that is not there is not changed, and says which", async () => {
  const path = await file();
  const db = new DatabaseSync(path);
  const [row] = db.prepare("SELECT seq, entry FROM entries ORDER BY seq").all();
  const bytes = Buffer.from(row?.entry as Uint8Array);
  bytes[5] = 77;
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  db.prepare("UPDATE entries SET entry = ? WHERE seq = ?").run(bytes, row?.seq as number);
  db.close();
  for (const args of [
    ["redrive", path, "op-1"],
    ["export", path, `${path}.export`],
  ]) {
    const { code, err } = await run(...args);
    expect(code).toBe(1);
    expect(err).toContain("the codec with the id 77");
  }
});

test("with --json there is nothing but JSON", async () => {
  const path = await file();
  expect(await run("show", path, "nobody", "--json")).toEqual({ code: 1, out: [], err: "no entry nobody" });
});

test.each([
  ["of a later version", "PRAGMA user_version = 99", "its format is 99"],
  ["of another program", "PRAGMA application_id = 7", "it is no queue of @db/queue"],
])("list and show say of a file %s what is wrong with it, and end with 1", async (_what, change, told) => {
  const path = await file();
  const db = new DatabaseSync(path);
  db.exec(change);
  db.close();
  for (const command of [
    ["list", path],
    ["show", path, "op-1"],
  ]) {
    const { code, out, err } = await run(...command);
    expect({ code, out }).toEqual({ code: 1, out: [] });
    expect(err).toContain(path);
    expect(err).toContain(told);
  }
});
