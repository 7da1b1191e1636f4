import { closeSync, existsSync, openSync } from "node:fs";
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
    const db = new DatabaseSync(path);
    try {
      db.exec(
        "PRAGMA synchronous = OFF; BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS holder (line TEXT NOT NULL); DELETE FROM holder",
      );
      const holder: LockHolder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
      db.prepare("INSERT INTO holder VALUES (?)").run(JSON.stringify(holder));
      db.exec("COMMIT; BEGIN IMMEDIATE");
    } catch (error) {
      const holder = isBusy(error) ? holderIn(db) : undefined;
      db.close();
      throw isBusy(error) ? new Locked(holder) : error;
    }
    this.#db = db;
  }

  release(): void {
    this.#db.close();
  }
}

/** Who has the queue of this lock file open; undefined where nobody has. Changes nothing. */
export function lockHolder(path: string): LockHolder | undefined {
  if (!existsSync(path)) return undefined;
  const db = new DatabaseSync(path);
  try {
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    return undefined;
  } catch (error) {
    return isBusy(error) ? holderIn(db) : undefined;
  } finally {
    db.close();
  }
}

/** Who holds a lock file; undefined where that cannot be told. */
function holderIn(db: DatabaseSync): LockHolder | undefined {
  try {
    const row = db.prepare("SELECT line FROM holder").get();
    return row === undefined ? undefined : (JSON.parse(String(row.line)) as LockHolder);
  } catch {
    return undefined;
  }
}

function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
}
