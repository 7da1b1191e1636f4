import { existsSync } from "node:fs";
import { type Entry, readEntry } from "./entry.ts";
import { DAMAGED_META, parseMeta } from "./meta.ts";
import { NO_NOTE, type Note, parseNote } from "./note.ts";
import { damaged, foreign, fromFault } from "./sqlite-errors.ts";
import { toFault } from "./sqlite-fault.ts";
import { Damaged, Foreign, SqliteFile } from "./sqlite-file.ts";
import { type LockHolder, lockHolder, placeOf } from "./sqlite-lock.ts";

/** What a file holds, without opening it as a queue. */
export interface Inspection {
  readonly path: string;
  /** The process that has it open; undefined where none has. */
  readonly holder: LockHolder | undefined;
  readonly entries: number;
  readonly bytes: number;
  readonly dead: number;
  /** ms since 1970; undefined where there are no entries. */
  readonly oldestQueuedAt: number | undefined;
  /** Entries by the id of their codec. */
  readonly codecs: Readonly<Record<number, number>>;
  /** What is wrong with the file, or with single entries. Empty for a sound one. */
  readonly damage: readonly string[];
}

/** One entry of a file. */
export interface InspectedEntry {
  readonly seq: number;
  readonly size: number;
  /** Undefined where it is damaged. */
  readonly entry: Entry | undefined;
  readonly note: Note;
}

const MAX_DAMAGE = 100;
const PROGRESS_ENTRIES = 10_000;

/** Looks through a file, entry by entry, and verifies each. Blocks while it does: for tools. Changes nothing. */
export function inspect(path: string, onProgress: (entries: number) => void = () => {}): Inspection {
  const damage: string[] = [];
  const codecs: Record<number, number> = {};
  let [entries, bytes, dead] = [0, 0, 0];
  let oldestQueuedAt: number | undefined;
  const found = withFile(path, (file) => {
    const { meta } = file.contents();
    if (meta !== undefined && parseMeta(meta) === undefined) damage.push(DAMAGED_META);
    for (const { seq, size, entry, note } of entriesOf(file)) {
      entries += 1;
      if (entries % PROGRESS_ENTRIES === 0) onProgress(entries);
      bytes += size;
      if (note.deadSince !== undefined) dead += 1;
      if (entry === undefined) {
        if (damage.length < MAX_DAMAGE) damage.push(`the entry ${seq} is not what was written`);
        continue;
      }
      codecs[entry.codec] = (codecs[entry.codec] ?? 0) + 1;
      oldestQueuedAt = Math.min(oldestQueuedAt ?? entry.queuedAt, entry.queuedAt);
    }
  });
  damage.unshift(...found);
  return { path, holder: lockHolder(`${placeOf(path)}-lock`), entries, bytes, dead, oldestQueuedAt, codecs, damage };
}

/** Entries in their order; throws STORAGE_DAMAGED for a damaged file. */
export function readEntries(path: string, visit: (entry: InspectedEntry) => boolean): void {
  const found = withFile(
    path,
    (file) => {
      for (const entry of entriesOf(file)) if (!visit(entry)) return;
    },
    (error) => {
      throw error instanceof Foreign ? foreign(path, error.found) : damaged(path, error.found);
    },
  );
  if (found.length > 0) throw damaged(path, found);
}

/** Returns what is wrong with the file as a whole. */
function withFile(
  path: string,
  look: (file: SqliteFile) => void,
  refuse: (error: Damaged) => void = () => {},
): readonly string[] {
  if (!existsSync(path)) throw fromFault({ code: 14, errno: "ENOENT", message: "no such file" }, path, "open");
  try {
    const file = SqliteFile.openReadOnly(path);
    try {
      look(file);
    } finally {
      file.close();
    }
    return [];
  } catch (error) {
    if (error instanceof Damaged) {
      refuse(error);
      return error.found;
    }
    const fault = toFault(error);
    if ([11, 26].includes(fault.code & 0xff)) return [fault.message];
    throw fromFault(fault, path, "read");
  }
}

function* entriesOf(file: SqliteFile): Generator<InspectedEntry> {
  const { notes } = file.contents();
  let from = 0;
  for (let chunk = file.scan(from); chunk !== undefined; chunk = file.scan(from)) {
    for (const [index, seq] of chunk.seqs.entries()) {
      const [bytes] = file.read([seq]);
      const note = notes.get(seq);
      yield {
        seq,
        size: chunk.sizes[index] as number,
        entry: readEntry(bytes),
        note: note === undefined ? NO_NOTE : parseNote(note),
      };
    }
    from = (chunk.seqs.at(-1) as number) + 1;
  }
}
