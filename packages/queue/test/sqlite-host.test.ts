import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { HEAD_BYTES, writeEntry } from "../src/entry.ts";
import { fromFault } from "../src/sqlite-errors.ts";
import { toFault } from "../src/sqlite-fault.ts";
import { Damaged } from "../src/sqlite-file.ts";
import { answer, Host, type Requests, type SqliteOptions } from "../src/sqlite-host.ts";
import { FileLock, Locked, lockHolder } from "../src/sqlite-lock.ts";
import type { StoreBatch } from "../src/store.ts";

// The same code as in the worker, here in one thread.

vi.mock("node:fs", { spy: true });

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-host-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "deep", "queue.db");
}

function host(): Host {
  const made = new Host();
  onTestFinished(() => {
    made.run({ id: 0, name: "close", asks: undefined });
  });
  return made;
}

const ask = <N extends keyof Requests>(on: Host, name: N, asks: Requests[N]["asks"]): Requests[N]["answers"] =>
  on.run({ id: 1, name, asks } as never) as Requests[N]["answers"];

const options = (path: string, more: Partial<SqliteOptions> = {}): SqliteOptions => ({
  path,
  durability: "fsync",
  onCorruption: "refuse",
  ...more,
});

/** Entries 1..count, and what else is named. */
function batch(count: number, more: Partial<StoreBatch> = {}, firstSeq = 1, text = "payload"): StoreBatch {
  const buffer = Buffer.alloc(count * (200 + text.length));
  let used = 0;
  for (let index = 0; index < count; index += 1) {
    const head = { codec: 1, maybeApplied: false, queuedAt: 5, lane: index, operation: index };
    const length = writeEntry(buffer, used + 4, head, `op-${firstSeq + index}`, text);
    buffer.writeUInt32LE(length, used);
    used += 4 + length;
  }
  const nothing = { removed: [], notes: [], outcomes: [], forgetOutcomesBefore: 0, meta: undefined };
  return { firstSeq, count, entries: buffer.subarray(0, used), ...nothing, ...more };
}

describe("a file", () => {
  test("gives back what was committed: entries, notes, outcomes and meta, also after it was opened again", () => {
    const path = place();
    const first = host();
    expect(ask(first, "open", options(path))).toEqual({
      notes: new Map(),
      outcomes: [],
      meta: undefined,
      quarantined: [],
    });
    expect(ask(first, "scan", 0)).toBeUndefined();
    const outcome = { at: 7, state: "applied", operations: Float64Array.of(1, 2), detail: undefined } as const;
    const discarded = { at: 8, state: "dead", operations: Float64Array.of(3), detail: "why" } as const;
    ask(
      first,
      "commit",
      batch(5, {
        notes: [
          [2, "a note"],
          [3, "another"],
        ],
        outcomes: [outcome, discarded],
        meta: "meta",
      }),
    );
    ask(
      first,
      "commit",
      batch(0, {
        removed: [1, 3],
        notes: [
          [2, undefined],
          [4, "kept"],
        ],
      }),
    );
    ask(first, "close", undefined);
    expect(existsSync(`${path}-wal`)).toBe(false);

    const again = host();
    const found = ask(again, "open", options(path, { durability: "os" }));
    expect(found).toEqual({
      notes: new Map([[4, "kept"]]),
      outcomes: [outcome, discarded],
      meta: "meta",
      quarantined: [],
    });
    const chunk = ask(again, "scan", 0);
    expect([...(chunk?.seqs ?? [])]).toEqual([2, 4, 5]);
    expect(chunk?.heads.length).toBe(3 * HEAD_BYTES);
    expect(chunk?.sizes[0]).toBe(HEAD_BYTES + "op-2payload".length);
    expect(ask(again, "scan", 6)).toBeUndefined();
    const [there, gone] = ask(again, "read", [5, 3]);
    expect(
      Buffer.from(there ?? [])
        .toString()
        .endsWith("op-5payload"),
    ).toBe(true);
    expect(gone).toBeUndefined();
  });

  test("an entry that was cut short does not shift those behind it", () => {
    const path = place();
    const made = host();
    ask(made, "open", options(path));
    ask(made, "commit", batch(3));
    const db = new DatabaseSync(path);
    db.prepare("UPDATE entries SET entry = x'0102' WHERE seq = 2").run();
    db.close();
    const { seqs, sizes, heads } = ask(made, "scan", 0) ?? {};
    expect([seqs, [...(sizes ?? [])].slice(1, 2)]).toEqual([Float64Array.of(1, 2, 3), [2]]);
    expect([...(heads ?? [])].slice(HEAD_BYTES, 2 * HEAD_BYTES)).toEqual([
      1,
      2,
      ...new Array<number>(HEAD_BYTES - 2).fill(0),
    ]);
  });

  test("a commit is whole or not at all", () => {
    const made = host();
    ask(made, "open", options(place()));
    ask(made, "commit", batch(1));
    expect(() => ask(made, "commit", batch(2, { meta: "no" }, 1))).toThrow("UNIQUE");
    expect([...(ask(made, "scan", 0)?.seqs ?? [])]).toEqual([1]);
    ask(made, "commit", batch(2, {}, 2));
    expect([...(ask(made, "scan", 0)?.seqs ?? [])]).toEqual([1, 2, 3]);
  });

  test("outcomes from before a time are forgotten with the next ones", () => {
    const path = place();
    const made = host();
    ask(made, "open", options(path));
    const at = (time: number) =>
      ({ at: time, state: "applied", operations: Float64Array.of(time), detail: undefined }) as const;
    ask(made, "commit", batch(0, { outcomes: [at(1), at(2), at(3)] }));
    ask(made, "commit", batch(0, { outcomes: [at(4)], forgetOutcomesBefore: 3 }));
    ask(made, "close", undefined);
    expect(ask(host(), "open", options(path)).outcomes.map((row) => row.at)).toEqual([3, 4]);
  });

  test("tidy gives the pages of what is gone back", () => {
    const path = place();
    const made = host();
    ask(made, "open", options(path));
    ask(made, "commit", batch(2_000, {}, 1, "x".repeat(1_000)));
    ask(made, "tidy", undefined);
    const pages = (): number =>
      Number(new DatabaseSync(path, { readOnly: true }).prepare("PRAGMA page_count").get()?.page_count);
    const before = pages();
    ask(made, "commit", batch(0, { removed: Array.from({ length: 2_000 }, (_, index) => index + 1) }));
    ask(made, "tidy", undefined);
    expect(before).toBeGreaterThan(400);
    expect(pages()).toBeLessThan(20);
  });

  test("what is asked before open, or of no file, is an error that crosses threads", () => {
    const answers: unknown[] = [];
    const port = { postMessage: (given: unknown) => answers.push(given) };
    answer(port as never, new Host(), { id: 7, name: "read", asks: [1] });
    expect(answers).toEqual([
      { id: 7, failure: { kind: "fault", fault: { code: 0, errno: undefined, message: "the file is not open" } } },
    ]);
    const path = place();
    const holder = host();
    answer(port as never, holder, { id: 8, name: "open", asks: options(path) });
    answer(port as never, new Host(), { id: 9, name: "open", asks: options(path) });
    expect(answers[2]).toMatchObject({ id: 9, failure: { kind: "locked", holder: { pid: process.pid } } });
    ask(holder, "commit", batch(3));
    answer(port as never, holder, { id: 10, name: "scan", asks: 0 });
    expect(answers[3]).toMatchObject({ id: 10, value: { seqs: Float64Array.of(1, 2, 3) } });
    ask(holder, "close", undefined);
    writeFileSync(path, "");
    answer(port as never, new Host(), { id: 11, name: "open", asks: options(path) });
    expect(answers[4]).toEqual({ id: 11, failure: { kind: "damaged", found: ["the file is empty"] } });
  });

  test("quarantine moves a damaged one aside and begins anew; refused it is left, and unlocked", () => {
    const path = place();
    const first = host();
    ask(first, "open", options(path));
    ask(first, "close", undefined);
    writeFileSync(path, "x".repeat(10_000));
    expect(() => ask(host(), "open", options(path))).toThrow();
    const { quarantined } = ask(host(), "open", options(path, { onCorruption: "quarantine" }));
    expect(quarantined).toEqual([expect.stringMatching(/queue\.db\.damaged-20/)]);
    expect(readdirSync(join(path, "..")).filter((name) => name.includes("damaged"))).toHaveLength(1);
  });

  test("a damaged one that a crash has left is refused with its log as it is; quarantine takes the log along", () => {
    const path = place();
    const first = host();
    ask(first, "open", options(path));
    ask(first, "commit", batch(3));
    const crashed = place();
    mkdirSync(dirname(crashed));
    for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, `${crashed}${suffix}`);
    writeFileSync(crashed, "x".repeat(20_000));
    const contents = () => ["", "-wal"].map((suffix) => readFileSync(`${crashed}${suffix}`));
    const before = contents();
    expect(() => ask(host(), "open", options(crashed))).toThrow();
    expect(contents()).toEqual(before);
    const { quarantined } = ask(host(), "open", options(crashed, { onCorruption: "quarantine" }));
    expect(quarantined.map((name) => name.replace(/.*Z/, ""))).toEqual(["", "-wal", "-shm"]);
    expect(quarantined.slice(0, 2).map((name) => readFileSync(name))).toEqual(before);
  });

  test("a count that does not add up is damage, though every page can be read", () => {
    const path = place();
    const first = host();
    ask(first, "open", options(path));
    ask(first, "close", undefined);
    const bytes = readFileSync(path);
    // The number of free pages, of which there are none.
    bytes.writeUInt32BE(5, 36);
    writeFileSync(path, bytes);
    expect(() => ask(host(), "open", options(path))).toThrow(Damaged);
  });

  test("each folder that is made for it is made durable in the one above", () => {
    const synced: string[] = [];
    const opened = new Map<number, string>();
    vi.mocked(openSync).mockClear();
    vi.mocked(fsyncSync).mockClear();
    const path = place();
    const deeper = join(dirname(path), "er", "queue.db");
    ask(host(), "open", options(deeper));
    for (const [index, { value }] of vi.mocked(openSync).mock.results.entries()) {
      const order = vi.mocked(openSync).mock.invocationCallOrder[index] ?? 0;
      const next = vi.mocked(fsyncSync).mock.invocationCallOrder.find((sync) => sync > order) ?? 0;
      opened.set(next, String(vi.mocked(openSync).mock.calls[index]?.[0]));
      expect(value).toBeTypeOf("number");
    }
    for (const order of vi.mocked(fsyncSync).mock.invocationCallOrder) synced.push(opened.get(order) ?? "");
    const above = dirname(dirname(path));
    expect(synced).toEqual([dirname(path), above, `${deeper}-new`, dirname(deeper)]);
  });

  test("an unfinished one is thrown away when it is made again", () => {
    const path = place();
    const first = host();
    ask(first, "open", options(path));
    ask(first, "close", undefined);
    copyFileSync(path, `${path}-new`);
    rmSync(path);
    ask(host(), "open", options(path));
    expect(existsSync(`${path}-new`)).toBe(false);
  });
});

describe("the lock", () => {
  test("is one at a time, names the holder, and is free after release", () => {
    const path = `${place().replace("/deep/", "/")}-lock`;
    expect(lockHolder(path)).toBeUndefined();
    // Both in the same millisecond.
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const lock = new FileLock(path);
    expect(lockHolder(path)).toEqual({ pid: process.pid, host: hostname(), since: new Date().toISOString() });
    const clock = vi.spyOn(performance, "now");
    expect(() => new FileLock(path)).toThrow(Locked);
    // A holder that is known is told at once: nobody looks how long he has waited.
    expect(clock).toHaveBeenCalledTimes(1);
    clock.mockRestore();
    lock.release();
    expect(lockHolder(path)).toBeUndefined();
    new FileLock(path).release();
  });

  test("that cannot be made, or is no lock, is an error of its own", () => {
    const path = place();
    expect(() => new FileLock(path)).toThrow("ENOENT");
    mkdirSync(dirname(path));
    writeFileSync(path, "garbage".repeat(1_000));
    expect(() => new FileLock(path)).toThrow("not a database");
    expect(lockHolder(path)).toBeUndefined();
  });

  test("of a holder that has not said who it is, is a lock all the same", () => {
    const path = `${place().replace("/deep/", "/")}-lock`;
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE holder (line TEXT NOT NULL); BEGIN IMMEDIATE");
    impatiently();
    expect(() => new FileLock(path)).toThrow(expect.objectContaining({ holder: undefined }));
    db.close();
  });

  test("of a holder that cannot be read is a lock all the same", () => {
    const path = `${place().replace("/deep/", "/")}-lock`;
    const db = new DatabaseSync(path);
    db.exec("BEGIN IMMEDIATE");
    impatiently();
    expect(() => new FileLock(path)).toThrow(Locked);
    db.close();
  });

  test.each<[string, (path: string) => void]>([
    ["was let go of in order", () => {}],
    ["ended with its process", (path) => leaveLine(path, { pid: spawnSync("true").pid, host: hostname() })],
  ])("is waited for where somebody only looks, and a pause holds him up in it, after one that %s", (_what, before) => {
    const path = `${place().replace("/deep/", "/")}-lock`;
    new FileLock(path).release();
    before(path);
    const looker = new DatabaseSync(path);
    looker.exec("BEGIN IMMEDIATE");
    expect(lockHolder(path)).toBeUndefined();
    const now = performance.now();
    let asked = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => {
      asked += 1;
      // Asked for the second time, the lock has been found taken once.
      if (asked === 2) looker.exec("ROLLBACK");
      return now;
    });
    onTestFinished(() => clock.mockRestore());
    new FileLock(path).release();
    expect(asked).toBe(2);
    looker.close();
  });

  test("of a holder on another machine is a lock, though no process here has its number", () => {
    const path = `${place().replace("/deep/", "/")}-lock`;
    new FileLock(path).release();
    const holder = { pid: spawnSync("true").pid, host: `not-${hostname()}` };
    leaveLine(path, holder);
    const db = new DatabaseSync(path);
    db.exec("BEGIN IMMEDIATE");
    expect(() => new FileLock(path)).toThrow(expect.objectContaining({ holder: expect.objectContaining(holder) }));
    db.close();
  });
});

/** The clock jumps by more than anybody waits, each time that it is asked. */
function impatiently(): void {
  let now = performance.now();
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 60_000;
    return now;
  });
  onTestFinished(() => clock.mockRestore());
}

/** What a holder leaves in the file when it is killed. */
function leaveLine(path: string, holder: { readonly pid: number; readonly host: string }): void {
  const db = new DatabaseSync(path);
  db.prepare("INSERT INTO holder VALUES (?)").run(JSON.stringify({ ...holder, since: new Date(0).toISOString() }));
  db.close();
}

describe("an error of the store", () => {
  const fault = (code: number, errno?: string) => ({ code, errno, message: "told by SQLite" });

  test.each([
    ["a full disk", fault(13), "commit", "QUEUE_FULL", "none", "is full"],
    ["a full quota", fault(0, "EDQUOT"), "commit", "QUEUE_FULL", "none", "is full"],
    ["a failed sync", fault(1_034), "commit", "DURABILITY_UNKNOWN", "unknown", "may or may not survive"],
    ["a failed sync of the folder", fault(1_290), "commit", "DURABILITY_UNKNOWN", "unknown", "may or may not survive"],
    ["a failed write", fault(778), "commit", "STORAGE_FAILED", "none", "nothing was stored"],
    ["a read-only disk", fault(8), "commit", "STORAGE_FAILED", "none", "is read-only"],
    ["a read-only file system", fault(0, "EROFS"), "open", "STORAGE_FAILED", "none", "is read-only"],
    ["no permission", fault(0, "EACCES"), "open", "STORAGE_FAILED", "none", "may not be accessed"],
    ["a file that does not open", fault(14), "open", "STORAGE_FAILED", "none", "cannot be opened"],
    ["something else at open", fault(1), "open", "STORAGE_FAILED", "none", "cannot be used"],
    ["a failed read", fault(266), "read", "STORAGE_FAILED", "none", "could not be read"],
    ["a malformed file", fault(11), "read", "STORAGE_DAMAGED", "none", "is damaged (told by SQLite)"],
    ["no database", fault(26), "open", "STORAGE_DAMAGED", "none", "is damaged"],
  ] as const)("%s is told as what it is, with its path", (_what, given, phase, code, effect, text) => {
    const error = fromFault(given, "/data/queue.db", phase);
    expect(error).toMatchObject({ code, effect });
    expect(error.message).toContain("/data/queue.db");
    expect(error.message).toContain(text);
  });

  test("whatever is thrown becomes a fault", () => {
    expect(toFault(undefined)).toEqual({ code: 0, errno: undefined, message: "undefined" });
    expect(toFault(Object.assign(new Error("x"), { code: "ERR_SQLITE_ERROR", errcode: 5 }))).toEqual({
      code: 5,
      errno: undefined,
      message: "x",
    });
    expect(toFault(Object.assign(new Error("y"), { code: "ENOENT" })).errno).toBe("ENOENT");
    expect(new Damaged(["a", "b"]).message).toBe("a; b");
  });
});
