import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, realpathSync, truncateSync } from "node:fs";
import { hostname } from "node:os";
import { DatabaseSync } from "node:sqlite";

/** Who has a queue open. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Thrown when somebody else has it. */
export class Locked extends Error {
  readonly holder: LockHolder | undefined;

  constructor(holder: LockHolder | undefined) {
    super("locked");
    this.holder = holder;
  }
}

const BUSY_TIMEOUT_MS = 100;
/** Whoever only looks who the holder is holds it for a moment, too; a machine that pauses just then makes it a long one. */
const LOOK_TIMEOUT_MS = 5_000;

/** How a SQLite file begins (sqlite.org/fileformat.html). */
const MAGIC = Buffer.from("SQLite format 3\0", "latin1");

/** The place of a file, whatever names lead to it: a lock beside each name would be none. */
export function placeOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/**
 * One process at a time, by a lock of the kernel that ends with the process, however that ends. A SQLite file of its own
 * holds it: a write transaction that is never committed, while others may still read who the holder is. The file stays:
 * removing it would let two processes lock two files of one name.
 */
export class FileLock {
  readonly #db: DatabaseSync;

  /** @throws Locked */
  constructor(path: string) {
    // Opening and closing an existing one would drop the locks of this process on it (POSIX), so only a new one is made so.
    try {
      closeSync(openSync(path, "wx", 0o600));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    this.#db = held(path) ?? heldAnew(path);
  }

  release(): void {
    try {
      // Else who only looks after us would be taken for us.
      this.#db.exec("DELETE FROM holder; COMMIT");
    } catch {
      // The line of one that is gone is found to be that when its process has ended.
    } finally {
      this.#db.close();
    }
  }
}

/** @throws Locked */
function heldAnew(path: string): DatabaseSync {
  if (!isOurs(path)) throw new Error(`${path} is not a database, and no lock of a queue`);
  // In place: whoever has done so before us, and holds it, holds it still.
  truncateSync(path);
  const db = held(path);
  if (db === undefined) throw new Error(`${path} is damaged again`);
  return db;
}

/** What a power cut leaves of one begins as one does, or with zeroes; anything else is somebody's file. */
function isOurs(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const begin = Buffer.alloc(MAGIC.length);
    readSync(file, begin, 0, begin.length, 0);
    return begin.equals(MAGIC) || begin.every((byte) => byte === 0);
  } finally {
    closeSync(file);
  }
}

/** Undefined where the file is damaged: it is never synced, so a power cut may leave anything. @throws Locked */
function held(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path);
  const own = lineOf({ pid: process.pid, host: hostname(), since: new Date().toISOString() });
  const until = performance.now() + LOOK_TIMEOUT_MS;
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    while (!take(db, own)) {
      const holder = holderIn(db, own);
      if (holder !== undefined || performance.now() >= until) throw new Locked(holder);
    }
    return db;
  } catch (error) {
    db.close();
    if ([11, 26].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Like no other: a thread of this process may have opened it in the same millisecond. */
function lineOf(holder: LockHolder): string {
  return JSON.stringify({ ...holder, opening: randomUUID() });
}

function holderOf(line: unknown): LockHolder {
  const { pid, host, since } = JSON.parse(String(line)) as LockHolder;
  return { pid, host, since };
}

/** False where somebody has it. */
function take(db: DatabaseSync, line: string): boolean {
  try {
    db.exec(
      "PRAGMA synchronous = OFF; BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS holder (line TEXT NOT NULL); DELETE FROM holder",
    );
    db.prepare("INSERT INTO holder VALUES (?)").run(line);
    db.exec("COMMIT; BEGIN IMMEDIATE");
    return true;
  } catch (error) {
    if (!isBusy(error)) throw error;
    rollBack(db);
    return false;
  }
}

function rollBack(db: DatabaseSync): void {
  try {
    db.exec("ROLLBACK");
  } catch {
    // Whoever was refused at the beginning has nothing to roll back.
  }
}

/** Who has the queue of this lock file open; undefined where nobody has. Changes nothing. */
export function lockHolder(path: string): LockHolder | undefined {
  if (!existsSync(path)) return undefined;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    return undefined;
  } catch (error) {
    return db !== undefined && isBusy(error) ? holderIn(db) : undefined;
  } finally {
    db?.close();
  }
}

/** Who holds a lock file; undefined where that cannot be told, or it is somebody who only looks. */
function holderIn(db: DatabaseSync, own = ""): LockHolder | undefined {
  try {
    const row = db.prepare("SELECT line FROM holder WHERE line <> ?").get(own);
    const holder = row === undefined ? undefined : holderOf(row.line);
    return holder === undefined || hasEnded(holder) ? undefined : holder;
  } catch {
    return undefined;
  }
}

/** Whether it is known to be gone: the line of a process that was killed stays. */
function hasEnded({ pid, host }: LockHolder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function isBusy(error: unknown): boolean {
  return codeOf(error) === 5;
}

/** SQLite's primary result code. */
function codeOf(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) % 256;
}
