import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkKeys, DatabaseErrorOf, interrupted, invalid, isPlainObject } from "@db/core";
import type { Codec } from "./codec.ts";
import { earlierWrite, isOther } from "./earlier-write.ts";
import { readEntry } from "./entry.ts";
import type { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { json } from "./json.ts";
import { unsureSince } from "./meta.ts";
import { isTime, NO_NOTE, type Note, parseNote } from "./note.ts";
import { checkCodec } from "./options.ts";
import { toFault } from "./sqlite-fault.ts";
import { checkSignal, checkStored, isOperationId, type StoredParts } from "./stored-write.ts";
import { workOf } from "./work.ts";

const FORMAT = 1;
const READ_AT_ONCE = 256;

/** What an import has come to. */
export interface ImportReport {
  readonly imported: number;
  /** Their operation ids were there already. */
  readonly skipped: number;
}

export interface ExportOptions {
  /** Ends the export with CANCELLED; then there is no file. */
  readonly signal?: AbortSignal;
  /** Called now and then with the number of entries that are written. */
  readonly onProgress?: (entries: number) => void;
}

/**
 * Writes all entries into a file: a line of JSON each, after one that names the format. The file is complete or not there,
 * and is on the disk when the call returns.
 * @returns how many
 */
export async function exportTo(journal: Journal, path: string, codec: Codec, options: ExportOptions): Promise<number> {
  checkCodec("codec", codec);
  checkKeys("exportTo", options, ["signal", "onProgress"]);
  const { signal, onProgress = () => {} } = options;
  checkSignal(signal);
  if (journal.ended !== undefined) throw journal.ended;
  if (await isOwn(journal, path)) throw invalid(["path"], "path", "a file that is none of the queue's own");
  const seqs = [...journal.backlog.rows()]
    .filter((row) => !journal.backlog.isStoring(row) && !journal.backlog.isDone(row))
    .map((row) => ({ seq: journal.backlog.seqOf(row), note: journal.noteOf(row) }));
  // One that was left behind may be open to others, and another export may be under way to the same file.
  const draft = `${path}.${randomUUID()}.part`;
  const file = await open(draft, "wx", 0o600).catch((error: unknown) => {
    throw unusable(path, "written", error);
  });
  let count = 0;
  try {
    await file.appendFile(`${JSON.stringify({ "db-queue-export": FORMAT, codec: codec.name })}\n`);
    for (let at = 0; at < seqs.length; at += READ_AT_ONCE) {
      if (signal?.aborted === true) throw interrupted({ signal }, "none");
      const part = seqs.slice(at, at + READ_AT_ONCE);
      const found = await journal.store.read(part.map(({ seq }) => seq));
      const lines: string[] = [];
      for (const [index, { seq, note }] of part.entries()) {
        const bytes = found[index];
        // Applied meanwhile.
        if (bytes === undefined) continue;
        lines.push(lineOf(journal, codec, seq, bytes, note));
      }
      count += lines.length;
      await file.appendFile(lines.join(""));
      onProgress(count);
    }
    await file.sync();
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(draft, { force: true });
    throw unusable(path, "written", error);
  } finally {
    await file.close();
  }
  return count;
}

/** Whether the queue itself stands there: what it acknowledges from then on would go into a file without a name. */
async function isOwn({ settings }: Journal, path: string): Promise<boolean> {
  if (settings.path === undefined) return false;
  const [own, target] = await Promise.all([placeOf(settings.path), placeOf(path)]);
  return ["", "-wal", "-shm", "-lock", "-new"].some((suffix) => target === `${own}${suffix}`);
}

/** The place of a file that may not be there yet, whatever names lead to it. */
async function placeOf(path: string): Promise<string> {
  const name = resolve(path);
  return realpath(name).catch(async () =>
    join(await realpath(dirname(name)).catch(() => dirname(name)), basename(name)),
  );
}

/** Else a power cut could take the name of the file away, after its queue was discarded. */
async function syncFolder(path: string): Promise<void> {
  // Windows does not sync folders.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What the file system says, as one of our errors; others as they are. */
function unusable(path: string, done: "read" | "written", error: unknown): unknown {
  const { errno } = toFault(error);
  if (errno === undefined) return error;
  return new DatabaseErrorOf("STORAGE_FAILED", `${path} cannot be ${done} (${errno})`, { path }, { cause: error });
}

function lineOf(journal: Journal, codec: Codec, seq: number, bytes: Uint8Array, note: Note): string {
  const entry = readEntry(bytes);
  const work = workOf(journal.codecs, entry);
  if (typeof work === "string") {
    const found = [`the entry ${seq} is damaged: ${work}`];
    throw new DatabaseErrorOf("STORAGE_DAMAGED", `cannot export: ${found[0]}; discard it first`, { path: "", found });
  }
  const { operationId, queuedAt } = work.entry;
  const maybeApplied = work.entry.maybeApplied || unsureSince(journal.meta, seq, queuedAt) !== undefined;
  const encoded = codec.encode(work.write);
  // What is no JSON, or JSON with a meaning of its own, is wrapped.
  const write = codec === json ? String(encoded) : JSON.stringify(Buffer.from(encoded).toString("base64"));
  const head = JSON.stringify({ seq, operationId, queuedAt, maybeApplied, note });
  // The write last and as the codec made it, so that big integers and dates stay what they are.
  return `${head.slice(0, -1)},"write":${write}}\n`.replace(LINE_ENDS_OF_UNICODE, escaped);
}

/** They may stand in JSON as they are, and end a line for `readline` and other tools. */
const LINE_ENDS_OF_UNICODE = /[\u2028\u2029]/g;
const escaped = (end: string): string => `\\u${end.charCodeAt(0).toString(16)}`;

/**
 * Takes the entries of an exported file into a queue, in their order, with their operation ids, ages and dead letters.
 * @throws VALIDATION_FAILED naming the line; what is before it has been taken
 */
export async function importFrom(journal: Journal, intake: Intake, path: string): Promise<ImportReport> {
  if (journal.ended !== undefined) throw journal.ended;
  await using file = await open(path).catch((error: unknown) => {
    throw unusable(path, "read", error);
  });
  const lines = file.readLines({ encoding: "utf8" });
  let codec: Codec | undefined;
  let line = 0;
  let imported = 0;
  let skipped = 0;
  for await (const text of readable(lines, path)) {
    line += 1;
    const found = parse(text, line);
    if (codec === undefined) {
      codec = codecOf(journal, found, line);
      continue;
    }
    const { operationId, queuedAt, maybeApplied, note } = found;
    if (!isOperationId(operationId) || !isTime(queuedAt)) throw wrongLine(line, "an entry");
    const { operation, scope, fingerprint } = writeIn(codec, text, found, line);
    const earlier = await earlierWrite(journal, operationId);
    if (earlier !== undefined) {
      if (isOther(earlier, fingerprint)) throw wrongLine(line, "an operation id that no other write has");
      skipped += 1;
      continue;
    }
    await intake.put({
      operation,
      scope,
      operationId,
      fingerprint,
      maybeApplied: maybeApplied === true,
      signal: undefined,
      // A clock that was ahead there must not make it younger than what is sent from here on.
      queuedAt: Math.min(queuedAt, Date.now()),
      note: isPlainObject(note) ? parseNote(JSON.stringify(note)) : NO_NOTE,
    });
    imported += 1;
  }
  if (codec === undefined) throw wrongLine(1, "an export of @db/queue");
  return { imported, skipped };
}

async function* readable(lines: AsyncIterable<string>, path: string): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    throw unusable(path, "read", error);
  }
}

function parse(text: string, line: number): { readonly [field: string]: unknown } {
  try {
    const found: unknown = JSON.parse(text);
    if (isPlainObject(found)) return found;
  } catch {
    // Told below, like every other wrong line.
  }
  throw wrongLine(line, "a line of JSON");
}

function codecOf(journal: Journal, found: { readonly [field: string]: unknown }, line: number): Codec {
  if (found["db-queue-export"] !== FORMAT) throw wrongLine(line, `an export of @db/queue in the format ${FORMAT}`);
  const codec = journal.codecs.named(String(found.codec));
  if (codec === undefined)
    throw wrongLine(line, `a codec that this queue has in its \`codecs\`, got "${String(found.codec)}"`);
  return codec;
}

function writeIn(
  codec: Codec,
  text: string,
  { write }: { readonly [field: string]: unknown },
  line: number,
): StoredParts {
  try {
    const decoded =
      typeof write === "string"
        ? codec.decode(Buffer.from(write, "base64"))
        : json.decode(Buffer.from(JSON.stringify(write)));
    return checkStored(decoded);
  } catch {
    throw wrongLine(line, `a write, got ${text.length} characters of something else`);
  }
}

function wrongLine(line: number, expected: string): DatabaseErrorOf<"VALIDATION_FAILED"> {
  return new DatabaseErrorOf("VALIDATION_FAILED", `line ${line}: expected ${expected}`, {
    issues: [{ path: [line], rule: "export", expected }],
  });
}
