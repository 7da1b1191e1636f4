import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { HEAD_BYTES } from "./entry.ts";
import { type HeadChunk, type OutcomeRow, type StoreBatch, unpack } from "./store.ts";

/** "dbQu", in the header of the file. */
const APPLICATION_ID = 0x64625175;
const FORMAT = 1;
const SCAN_ENTRIES = 16_384;
/** Its number, its size and its beginning. */
const LINE_BYTES = 8 + 4 + HEAD_BYTES;
/** Checkpoints are made when the log has grown to this, which is also what is left of it: 8 MiB. */
const LOG_PAGES = 2_048;
const PAGE_BYTES = 4_096;
/** Up to so many pages are copied to give the others back. */
const MAX_TIDY_PAGES = 4_096;
const MIN_TIDY_PAGES = 64;

const SCHEMA = `
  CREATE TABLE entries (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL);
  CREATE TABLE notes (seq INTEGER PRIMARY KEY, note TEXT NOT NULL);
  CREATE TABLE outcomes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, state TEXT NOT NULL, operations BLOB NOT NULL, detail TEXT);
  CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);
`;

/** What is wrong with a file. */
export class Damaged extends Error {
  readonly found: readonly string[];

  constructor(found: readonly string[]) {
    super(found.join("; "));
    this.found = found;
  }
}

/** Of another program, or of a later version: nothing is wrong with it, and nobody but a person should move it. */
export class Foreign extends Damaged {}

/** All that there is, for `OpenedStore`. */
export interface FileContents {
  readonly notes: ReadonlyMap<number, string>;
  readonly outcomes: readonly OutcomeRow[];
  readonly meta: string | undefined;
}

/** The SQLite file of a queue. Everything here blocks: it belongs into a worker. */
export class SqliteFile {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteNote: StatementSync;
  readonly #note: StatementSync;
  readonly #outcome: StatementSync;
  readonly #forget: StatementSync;
  readonly #meta: StatementSync;
  readonly #read: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.#insert = db.prepare("INSERT INTO entries (seq, entry) VALUES (?, ?)");
    this.#delete = db.prepare("DELETE FROM entries WHERE seq = ?");
    this.#deleteNote = db.prepare("DELETE FROM notes WHERE seq = ?");
    this.#note = db.prepare(
      "INSERT INTO notes (seq, note) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET note = excluded.note",
    );
    this.#outcome = db.prepare("INSERT INTO outcomes (at, state, operations, detail) VALUES (?, ?, ?, ?)");
    this.#forget = db.prepare(
      // Of the oldest only: to look at all would cost each commit more than its sync.
      "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes ORDER BY id LIMIT 100) AND at < ?",
    );
    this.#meta = db.prepare(
      "INSERT INTO meta (id, value) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
    );
    this.#read = db.prepare("SELECT entry FROM entries WHERE seq = ?");
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
  }

  /** @throws Damaged */
  static open(path: string, durability: "fsync" | "os"): SqliteFile {
    if (!existsSync(path)) {
      // A new file would take the log for its own.
      if (existsSync(`${path}-wal`) && statSync(`${path}-wal`).size > 0)
        throw new Damaged(["its log is there without it"]);
      create(path);
    }
    if (statSync(path).size === 0) throw new Damaged(["the file is empty"]);
    // A connection that may write would, at its end, copy the log into a file that is refused, and take the log away.
    SqliteFile.openReadOnly(path).close();
    const db = new DatabaseSync(path);
    try {
      db.exec(`
        PRAGMA busy_timeout = 5000;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${durability === "fsync" ? "FULL" : "NORMAL"};
        PRAGMA fullfsync = ON;
        PRAGMA checkpoint_fullfsync = ON;
        PRAGMA wal_autocheckpoint = ${LOG_PAGES};
        PRAGMA journal_size_limit = ${LOG_PAGES * PAGE_BYTES};
        PRAGMA temp_store = MEMORY;
      `);
      return new SqliteFile(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Looks, and changes nothing. @throws Damaged */
  static openReadOnly(path: string): SqliteFile {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.exec("PRAGMA busy_timeout = 5000");
      check(db);
      return new SqliteFile(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  contents(): FileContents {
    const notes = this.#db.prepare("SELECT seq, note FROM notes").all();
    const outcomes = this.#db.prepare("SELECT at, state, operations, detail FROM outcomes ORDER BY id").all();
    const meta = this.#db.prepare("SELECT value FROM meta").get();
    return {
      notes: new Map(notes.map(({ seq, note }) => [Number(seq), String(note)])),
      outcomes: outcomes.map(({ at, state, operations, detail }) => ({
        at: Number(at),
        state: state === "applied" ? "applied" : "dead",
        operations: new Float64Array(Uint8Array.from(operations as Uint8Array).buffer),
        detail: detail === null ? undefined : String(detail),
      })),
      meta: meta === undefined ? undefined : String(meta.value),
    };
  }

  /** The beginnings of entries from a number on; undefined at the end. */
  scan(from: number): HeadChunk | undefined {
    // As one text: a row each costs three times as much, most of it for the garbage. One that was cut short gets zeroes.
    const line = `printf('%016x%08x', seq, length(entry)) || substr(hex(substr(entry, 1, ${HEAD_BYTES})) || zeroes, 1, ${HEAD_BYTES * 2})`;
    const rows = `SELECT ${line} AS line FROM entries, (SELECT hex(zeroblob(${HEAD_BYTES})) AS zeroes) WHERE seq >= ? ORDER BY seq LIMIT ${SCAN_ENTRIES}`;
    const lines = this.#db.prepare(`SELECT group_concat(line, '') AS lines FROM (${rows})`).get(from)?.lines;
    if (typeof lines !== "string") return undefined;
    const bytes = Buffer.from(lines, "hex");
    const count = bytes.length / LINE_BYTES;
    const chunk = {
      seqs: new Float64Array(count),
      sizes: new Float64Array(count),
      heads: new Uint8Array(count * HEAD_BYTES),
    };
    for (let index = 0; index < count; index += 1) {
      const at = index * LINE_BYTES;
      chunk.seqs[index] = bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
      chunk.sizes[index] = bytes.readUInt32BE(at + 8);
      bytes.copy(chunk.heads, index * HEAD_BYTES, at + 12, at + LINE_BYTES);
    }
    return chunk;
  }

  commit(batch: StoreBatch): void {
    const { firstSeq, count, entries, removed, notes, outcomes, forgetOutcomesBefore, meta } = batch;
    const parts = unpack(entries, count);
    this.#begin.run();
    try {
      for (let index = 0; index < parts.length; index += 1)
        this.#insert.run(firstSeq + index, parts[index] as Uint8Array);
      for (const [seq, note] of notes) {
        if (note === undefined) this.#deleteNote.run(seq);
        else this.#note.run(seq, note);
      }
      for (const seq of removed) {
        this.#delete.run(seq);
        this.#deleteNote.run(seq);
      }
      for (const { at, state, operations, detail } of outcomes) {
        const bytes = new Uint8Array(operations.buffer, operations.byteOffset, operations.byteLength);
        this.#outcome.run(at, state, bytes, detail ?? null);
      }
      if (outcomes.length > 0) this.#forget.run(forgetOutcomesBefore);
      if (meta !== undefined) this.#meta.run(meta);
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // After a full disk or a failed write SQLite has rolled back already, and says that nothing is there to roll back.
    }
  }

  read(seqs: readonly number[]): readonly (Uint8Array | undefined)[] {
    return seqs.map((seq) => this.#read.get(seq)?.entry as Uint8Array | undefined);
  }

  /** Gives pages back that hold nothing, where that is cheap. */
  tidy(): void {
    const [pages, free] = [this.#number("page_count"), this.#number("freelist_count")];
    if (free >= MIN_TIDY_PAGES && pages - free <= MAX_TIDY_PAGES) this.#db.exec("VACUUM");
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): void {
    this.#db.close();
  }

  #number(pragma: string): number {
    return Number(Object.values(this.#db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  }
}

/** Whole or not at all: a queue that is found half made has lost what it held. */
function create(path: string): void {
  const draft = `${path}-new`;
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${draft}${suffix}`, { force: true });
  closeSync(openSync(draft, "wx", 0o600));
  const db = new DatabaseSync(draft);
  // Synced as a whole, below. With its log from the beginning: a kill in a later switch leaves what must be written to first.
  try {
    db.exec(
      `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = ${PAGE_BYTES}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; BEGIN; ${SCHEMA} COMMIT; PRAGMA journal_mode = WAL`,
    );
  } finally {
    db.close();
  }
  sync(draft);
  renameSync(draft, path);
  sync(dirname(path));
}

/** Makes the folder of a queue where it is missing, so that a power cut does not take it away again. */
export function makeFolder(folder: string): void {
  const made = mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  // A folder that was made is an entry of the one above.
  for (let at = folder; at !== dirname(made); at = dirname(at)) sync(dirname(at));
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } catch (error) {
    // Windows does not sync folders.
    if (process.platform !== "win32") throw error;
  } finally {
    closeSync(file);
  }
}

/** @throws Damaged */
function check(db: DatabaseSync): void {
  const id = db.prepare("PRAGMA application_id").get()?.application_id;
  if (id !== APPLICATION_ID) throw new Foreign(["it is no queue of @db/queue"]);
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (version !== FORMAT) throw new Foreign([`its format is ${version}, and this version reads ${FORMAT}`]);
  const found = db
    .prepare("PRAGMA quick_check(10)")
    .all()
    .map((row) => String(Object.values(row)[0]));
  if (found.length !== 1 || found[0] !== "ok") throw new Damaged(found);
}
