import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { DatabaseErrorOf, isPlainObject } from "@db/core";
import type { Codec } from "./codec.ts";
import { readEntry } from "./entry.ts";
import type { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { json } from "./json.ts";
import { NO_NOTE, type Note, parseNote } from "./note.ts";
import { toOperation } from "./stored-write.ts";

const FORMAT = 1;
const READ_AT_ONCE = 256;

/** What an import has come to. */
export interface ImportReport {
  readonly imported: number;
  /** Their operation ids were there already. */
  readonly skipped: number;
}

/**
 * Writes all entries into a file: a line of JSON each, after one that names the format. The file is complete or not there.
 * @returns how many
 */
export async function exportTo(journal: Journal, path: string, codec: Codec): Promise<number> {
  const seqs = [...journal.backlog.rows()]
    .filter((row) => !journal.backlog.isStoring(row) && !journal.backlog.isDone(row))
    .map((row) => ({ seq: journal.backlog.seqOf(row), note: journal.noteOf(row) }));
  const draft = `${path}.part`;
  const file = await open(draft, "w", 0o600);
  let count = 0;
  try {
    await file.write(`${JSON.stringify({ "db-queue-export": FORMAT, codec: codec.name })}\n`);
    for (let at = 0; at < seqs.length; at += READ_AT_ONCE) {
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
      await file.write(lines.join(""));
    }
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
  await file.close();
  await rename(draft, path);
  return count;
}

function lineOf(journal: Journal, codec: Codec, seq: number, bytes: Uint8Array, note: Note): string {
  const entry = readEntry(bytes);
  if (entry === undefined) {
    const found = [`the entry ${seq} is not what was written`];
    throw new DatabaseErrorOf("STORAGE_DAMAGED", `cannot export: ${found[0]}; discard it first`, { path: "", found });
  }
  const { operationId, queuedAt, maybeApplied } = entry;
  const encoded = codec.encode(journal.decode(entry));
  const write = typeof encoded === "string" ? encoded : JSON.stringify(Buffer.from(encoded).toString("base64"));
  const head = JSON.stringify({ seq, operationId, queuedAt, maybeApplied, note });
  // The write last and as the codec made it, so that big integers and dates stay what they are.
  return `${head.slice(0, -1)},"write":${write}}\n`;
}

/**
 * Takes the entries of an exported file into a queue, in their order, with their operation ids, ages and dead letters.
 * @throws VALIDATION_FAILED naming the line; what is before it has been taken
 */
export async function importFrom(journal: Journal, intake: Intake, path: string): Promise<ImportReport> {
  const lines = createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  let codec: Codec | undefined;
  let line = 0;
  let imported = 0;
  let skipped = 0;
  for await (const text of lines) {
    line += 1;
    const found = parse(text, line);
    if (codec === undefined) {
      codec = codecOf(journal, found, line);
      continue;
    }
    const { operationId, queuedAt, maybeApplied, note } = found;
    if (typeof operationId !== "string" || typeof queuedAt !== "number") throw wrongLine(line, "an entry");
    if ((await journal.findOperation(operationId)) !== -1) {
      skipped += 1;
      continue;
    }
    const write = writeIn(codec, text, found, line);
    await intake.put({
      operation: toOperation(write),
      scope: write.scope,
      operationId,
      maybeApplied: maybeApplied === true,
      signal: undefined,
      queuedAt,
      note: isPlainObject(note) ? parseNote(JSON.stringify(note)) : NO_NOTE,
    });
    imported += 1;
  }
  if (codec === undefined) throw wrongLine(1, "an export of @db/queue");
  return { imported, skipped };
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

function writeIn(codec: Codec, text: string, { write }: { readonly [field: string]: unknown }, line: number) {
  try {
    if (typeof write === "string") return codec.decode(Buffer.from(write, "base64"));
    return json.decode(Buffer.from(JSON.stringify(write)));
  } catch {
    throw wrongLine(line, `a write, got ${text.length} characters of something else`);
  }
}

function wrongLine(line: number, expected: string): DatabaseErrorOf<"VALIDATION_FAILED"> {
  return new DatabaseErrorOf("VALIDATION_FAILED", `line ${line}: expected ${expected}`, {
    issues: [{ path: [line], rule: "export", expected }],
  });
}
