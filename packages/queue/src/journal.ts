import { type DatabaseError, DatabaseErrorOf, newOperationId, type Scope } from "@db/core";
import { Backlog } from "./backlog.ts";
import { channels, type QueuePhase } from "./channels.ts";
import { Codecs } from "./codec.ts";
import { type CommitListener, Committer } from "./committer.ts";
import { type Entry, HEAD_BYTES, readEntry, readHead } from "./entry.ts";
import { hashText, laneKey } from "./hash.ts";
import { json } from "./json.ts";
import { NONE } from "./lanes.ts";
import { formatMeta, type Meta, newMeta, parseMeta } from "./meta.ts";
import { formatNote, NO_NOTE, type Note, parseNote } from "./note.ts";
import type { Settings } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { Counters } from "./stats.ts";
import type { HeadChunk, QueueStore } from "./store.ts";
import type { StoredWrite } from "./stored-write.ts";

const TIDY_INTERVAL_MS = 10_000;

/** Who has to know what becomes of entries. */
export interface JournalListener {
  /** An entry is durable, or a lane may go on for another reason. */
  moved(): void;
  /** One entry that was to be applied is applied, given up or was never stored. */
  settled(seq: number, laneHash: number): void;
  /** The entries from a dead letter on are not to be applied for now (`parked`), or are again. */
  parked(lane: number, parked: boolean): void;
  /** There is room again, and perhaps a lane without entries. */
  freed(): void;
}

/** What is there, in memory and in the store, and every change of it. Knows no database. */
export class Journal implements CommitListener {
  readonly settings: Settings;
  readonly counters: Counters = new Counters();
  readonly backlog: Backlog = new Backlog();
  readonly codecs: Codecs;
  readonly #store: QueueStore;
  readonly #notes = new Map<number, Note>();
  /** Rows whose end is under way into the store, by their numbers. */
  readonly #ending = new Map<number, number>();
  readonly #listeners: JournalListener[] = [];
  #tidiedAt = Number.NEGATIVE_INFINITY;
  #tidying: NodeJS.Timeout | undefined;
  #committer: Committer | undefined;
  #outcomes: Outcomes | undefined;
  #meta: Meta = newMeta();
  /** When an earlier process was last replaying; what it had in flight then may have been applied. */
  replayedBefore = 0;

  constructor(store: QueueStore, settings: Settings) {
    this.#store = store;
    this.settings = settings;
    this.codecs = new Codecs([json, ...settings.codecs, settings.codec]);
  }

  /** @throws DATABASE_LOCKED, STORAGE_DAMAGED, STORAGE_FAILED; TypeError for entries of a codec that is not there */
  async open(): Promise<readonly string[]> {
    const found = await this.#store.open();
    const { meta, notes, outcomes, entries, quarantined = [] } = found;
    const known = meta === undefined ? undefined : parseMeta(meta);
    this.#meta = known ?? newMeta();
    this.replayedBefore = this.#meta.replayedAt;
    for (const [seq, note] of notes) this.#notes.set(seq, parseNote(note));
    let { nextSeq } = this.#meta;
    const missing = new Map<number, number[]>();
    for await (const chunk of entries) {
      this.#index(chunk, missing);
      nextSeq = Math.max(nextSeq, (chunk.seqs.at(-1) ?? 0) + 1);
    }
    for (const [codec, rows] of missing) {
      // A damaged entry may name any codec; it is found again when it is read.
      const entry = await this.readEntry(rows[0] as number);
      if (entry?.codec === codec) throw missingCodec(codec, rows.length);
    }
    for (const row of this.backlog.rows()) {
      const note = this.#notes.get(this.backlog.seqOf(row));
      if (note?.deadSince !== undefined) this.backlog.park(this.backlog.laneOf(row));
    }
    this.#outcomes = new Outcomes(this.settings.outcomeRetentionMs, outcomes);
    this.#committer = new Committer(this.#store, nextSeq, this, () => this.outcomes.oldestAt);
    if (known === undefined) await this.#begin();
    return quarantined;
  }

  /** The first commit: a store that cannot take it is not opened. */
  async #begin(): Promise<void> {
    try {
      await this.saveMeta({});
    } catch (cause) {
      const path = this.settings.path ?? "";
      throw new DatabaseErrorOf("STORAGE_FAILED", `${path || "the store"} cannot be written to`, { path }, { cause });
    }
  }

  get store(): QueueStore {
    return this.#store;
  }
  get committer(): Committer {
    if (this.#committer === undefined) throw new DatabaseErrorOf("INTERNAL", "the queue is not open yet", {});
    return this.#committer;
  }
  get outcomes(): Outcomes {
    if (this.#outcomes === undefined) throw new DatabaseErrorOf("INTERNAL", "the queue is not open yet", {});
    return this.#outcomes;
  }
  get meta(): Meta {
    return this.#meta;
  }

  listen(listener: JournalListener): void {
    this.#listeners.push(listener);
  }

  hashOf(text: string): number {
    return hashText(text, this.#meta.seed);
  }

  laneHash(id: string, scope: Scope | undefined): number {
    return this.hashOf(laneKey(id, scope));
  }

  newOperationId(): string {
    return newOperationId();
  }

  // Entries.

  /** The row of an operation that is held here; none where there is none. */
  async findOperation(operationId: string): Promise<number> {
    const row = this.backlog.findOperation(this.hashOf(operationId));
    if (row === NONE || this.backlog.isStoring(row)) return row;
    // Two operation ids with one hash are next to impossible, and to take one for the other would lose a write.
    const seq = this.backlog.seqOf(row);
    const entry = await this.readEntry(row);
    return entry?.operationId === operationId && this.backlog.seqOf(row) === seq ? row : NONE;
  }

  async read(rows: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#store.read(rows.map((row) => this.backlog.seqOf(row)));
  }

  /** Undefined where it is damaged. */
  async readEntry(row: number): Promise<Entry | undefined> {
    const [bytes] = await this.read([row]);
    return bytes === undefined ? undefined : readEntry(bytes);
  }

  /** @throws whatever the codec throws for bytes that are not its own */
  decode(entry: Entry): StoredWrite {
    const codec = this.codecs.get(entry.codec);
    if (codec === undefined) throw missingCodec(entry.codec, 1);
    return codec.decode(entry.payload);
  }

  noteOf(row: number): Note {
    return this.#notes.get(this.backlog.seqOf(row)) ?? NO_NOTE;
  }

  note(row: number, note: Note): void {
    const seq = this.backlog.seqOf(row);
    if (note === NO_NOTE) this.#notes.delete(seq);
    else this.#notes.set(seq, note);
    this.committer.note(seq, note === NO_NOTE ? undefined : formatNote(note));
  }

  /** Takes over what was noted about an entry elsewhere. */
  adopt(row: number, note: Note): void {
    if (note.deadSince === undefined) this.note(row, note);
    // What is dead is the next of its lane, or was not where it comes from.
    else if (this.backlog.cursorOf(this.backlog.laneOf(row)) === row) this.park(row, note);
  }

  /** The database has it. */
  applied(row: number): void {
    this.#end(row);
    const operation = this.backlog.operationOf(row);
    this.outcomes.add(operation, "applied", Date.now());
    this.committer.remove(this.backlog.seqOf(row), operation);
  }

  park(row: number, note: Note): void {
    const lane = this.backlog.laneOf(row);
    this.note(row, note);
    this.backlog.park(lane);
    this.counters.deadLettered += 1;
    for (const listener of this.#listeners) listener.parked(lane, true);
  }

  redrive(row: number): void {
    const lane = this.backlog.laneOf(row);
    const { unknownSince } = this.noteOf(row);
    this.note(row, unknownSince === undefined ? NO_NOTE : { ...NO_NOTE, unknownSince });
    this.#unpark(lane);
    this.counters.redriven += 1;
  }

  discard(row: number, detail: string): void {
    const operation = this.backlog.operationOf(row);
    const at = Date.now();
    this.#unpark(this.backlog.laneOf(row));
    this.#end(row);
    this.outcomes.add(operation, "dead", at);
    const outcome = { at, state: "dead", operations: Float64Array.of(operation), detail } as const;
    this.committer.discard(this.backlog.seqOf(row), outcome);
    this.counters.discarded += 1;
  }

  /** Its commit has failed. */
  dropped(row: number): void {
    const [seq, lane] = [this.backlog.seqOf(row), this.backlog.laneHash(this.backlog.laneOf(row))];
    this.backlog.drop(row);
    for (const listener of this.#listeners) listener.settled(seq, lane);
    this.#freed();
  }

  stored(row: number): void {
    this.backlog.stored(row);
    this.#moved();
  }

  /** Durable when the promise resolves. */
  async saveMeta(change: Partial<Meta>): Promise<void> {
    this.#meta = { ...this.#meta, nextSeq: this.committer.nextSeq, ...change };
    this.committer.setMeta(formatMeta(this.#meta));
    await this.committer.flush();
  }

  /** A lane is not being applied any more. */
  release(lane: number): void {
    const { laneCount } = this.backlog;
    this.backlog.release(lane);
    if (this.backlog.laneCount < laneCount) this.#freed();
  }

  // What the committer tells.

  committed(appended: number, removed: readonly number[], bytes: number, durationMs: number): void {
    this.counters.commits += 1;
    if (channels.commit.hasSubscribers) {
      channels.commit.publish({ queue: this.settings.name, appended, removed: removed.length, bytes, durationMs });
    }
    if (removed.length === 0) return;
    for (const seq of removed) {
      const row = this.#ending.get(seq);
      if (row === undefined) continue;
      this.#ending.delete(seq);
      this.backlog.remove(row);
    }
    this.#freed();
    this.#moved();
    if (this.backlog.liveCount === 0) this.#tidySoon();
  }

  failed(error: DatabaseError): void {
    this.report("commit", error);
  }

  /** For errors that no caller is told of. */
  report(phase: QueuePhase, error: unknown): void {
    this.counters.errors += 1;
    if (channels.error.hasSubscribers) channels.error.publish({ queue: this.settings.name, phase, error });
  }

  #index({ seqs, sizes, heads }: HeadChunk, missing: Map<number, number[]>): void {
    const view = new DataView(heads.buffer, heads.byteOffset, heads.byteLength);
    for (let index = 0; index < seqs.length; index += 1) {
      const head = readHead(view, index * HEAD_BYTES);
      const row = this.backlog.add(seqs[index] as number, sizes[index] as number, head, true);
      if (this.codecs.get(head.codec) === undefined)
        missing.set(head.codec, [...(missing.get(head.codec) ?? []).slice(0, 999), row]);
    }
  }

  #end(row: number): void {
    const [seq, lane] = [this.backlog.seqOf(row), this.backlog.laneHash(this.backlog.laneOf(row))];
    this.#ending.set(seq, row);
    this.#notes.delete(seq);
    this.backlog.done(row);
    for (const listener of this.#listeners) listener.settled(seq, lane);
  }

  #unpark(lane: number): void {
    for (const listener of this.#listeners) listener.parked(lane, false);
    this.backlog.unpark(lane);
    this.#moved();
  }

  /** Now, or when the last time is long enough ago: a queue that is filled and emptied all the time needs its file. */
  #tidySoon(): void {
    if (this.#tidying !== undefined) return;
    const run = (): void => {
      this.#tidying = undefined;
      this.#tidiedAt = performance.now();
      if (this.backlog.liveCount === 0) this.#store.tidy().catch((error: unknown) => this.report("tidy", error));
    };
    const waitMs = this.#tidiedAt + TIDY_INTERVAL_MS - performance.now();
    if (waitMs <= 0) run();
    else this.#tidying = setTimeout(run, waitMs).unref();
  }

  /** Stores what is left to store, and lets go of the store. */
  async close(): Promise<void> {
    clearTimeout(this.#tidying);
    try {
      await this.saveMeta({ replayedAt: 0 });
      await this.committer.drain();
    } catch (error) {
      this.report("close", error);
      throw error;
    } finally {
      // Nothing is lost by a file that stays larger than it must.
      if (this.backlog.liveCount === 0) await this.#store.tidy().catch((error: unknown) => this.report("tidy", error));
      await this.#store.close();
    }
  }

  #freed(): void {
    for (const listener of this.#listeners) listener.freed();
  }

  #moved(): void {
    for (const listener of this.#listeners) listener.moved();
  }
}

function missingCodec(id: number, count: number): TypeError {
  const name = KNOWN[id] ?? `with the id ${id}, which is none of this package's`;
  return new TypeError(`codecs: expected the codec ${name}, which ${count} or more entries are written with, got none`);
}

const KNOWN: { readonly [id: number]: string } = {
  1: "json",
  2: "messagepack (@db/queue/messagepack)",
  3: "cbor (@db/queue/cbor)",
  4: "v8 (@db/queue/v8)",
};
