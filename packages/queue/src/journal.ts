import { type DatabaseError, DatabaseErrorOf, type Scope, withTimeout } from "@db/core";
import { Backlog } from "./backlog.ts";
import { channels, type QueuePhase } from "./channels.ts";
import { Codecs } from "./codec.ts";
import { type CommitListener, Committer } from "./committer.ts";
import { type Entry, readEntry } from "./entry.ts";
import { hashText, laneKey } from "./hash.ts";
import { json } from "./json.ts";
import { damagedMeta, formatMeta, type Meta, newMeta, parseMeta, unsureAfter } from "./meta.ts";
import { formatNote, isTime, NO_NOTE, type Note, parseNote } from "./note.ts";
import type { Settings } from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { restore } from "./restore.ts";
import { Counters } from "./stats.ts";
import type { QueueStore } from "./store.ts";
import { Tidier } from "./tidier.ts";

const CLOSE_TIMEOUT_MS = 10_000;

/** Who has to know what becomes of entries. */
export interface JournalListener {
  /** An entry is durable, or a lane may go on for another reason. */
  moved?(): void;
  /** One entry that was to be applied is applied, given up or was never stored. */
  settled?(seq: number, laneHash: number): void;
  /** The entries from a dead letter on are not to be applied for now (`parked`), or are again. */
  parked?(lane: number, parked: boolean): void;
  /** There is room again, and perhaps a lane without entries. */
  freed?(): void;
  /** Nothing is stored or applied any more, for this reason: whoever waits is to be told. */
  ended?(error: DatabaseError): void;
}

/** What is there, in memory and in the store, and every change of it. Knows no database. */
export class Journal implements CommitListener {
  readonly store: QueueStore;
  readonly settings: Settings;
  readonly counters: Counters = new Counters();
  readonly backlog: Backlog = new Backlog();
  readonly codecs: Codecs;
  readonly #notes = new Map<number, Note>();
  /** Rows whose end is under way into the store, by their numbers. */
  readonly #ending = new Map<number, number>();
  readonly #listeners: JournalListener[] = [];
  readonly #tidier: Tidier;
  #committer: Committer | undefined;
  #outcomes: Outcomes | undefined;
  #meta: Meta = newMeta();
  #ended: DatabaseError | undefined;

  constructor(store: QueueStore, settings: Settings) {
    this.store = store;
    this.settings = settings;
    const isDue = (): boolean => this.backlog.liveCount === 0;
    this.#tidier = new Tidier(store, isDue, (error) => this.report("tidy", error));
    this.codecs = new Codecs([json, ...settings.codecs, settings.codec]);
  }

  /** @throws DATABASE_LOCKED, STORAGE_DAMAGED, STORAGE_FAILED; TypeError for entries of a codec that is not there */
  async open(): Promise<void> {
    const { meta, notes, outcomes, entries, quarantined = [], lost } = await this.store.open();
    // At once: should what follows fail, the next open finds an empty queue and nothing to warn of.
    if (quarantined.length > 0)
      process.emitWarning(`the queue was damaged and starts empty; moved to ${quarantined.join(", ")}`, "QueueWarning");
    const known = meta === undefined ? undefined : parseMeta(meta);
    if (meta !== undefined && known === undefined) throw damagedMeta(this.settings.path ?? "the store");
    this.#meta = known ?? newMeta();
    for (const [seq, note] of notes) this.#notes.set(seq, parseNote(note));
    const found = await restore(entries, this.backlog, this.codecs, (row) => this.readEntry(row));
    // It is stored before the first entry: with another seed no record would find those that wait for it.
    if (known === undefined && found > 0) throw damagedMeta(this.settings.path ?? "the store");
    const nextSeq = Math.max(this.#meta.nextSeq, found);
    const now = Date.now();
    let ahead = 0;
    const orphans = new Set(this.#notes.keys());
    for (const row of this.backlog.rows()) {
      orphans.delete(this.backlog.seqOf(row));
      const queuedAt = this.backlog.queuedAt(row);
      if (queuedAt > now && isTime(queuedAt)) ahead = Math.max(ahead, queuedAt);
      const lane = this.backlog.laneOf(row);
      const isDead = this.#notes.get(this.backlog.seqOf(row))?.deadSince !== undefined;
      if (isDead && this.backlog.cursorOf(lane) === row) this.backlog.park(lane);
    }
    const [oldest] = this.backlog.rows();
    const unsure = unsureAfter(
      this.#meta,
      oldest === undefined ? undefined : this.backlog.seqOf(oldest),
      nextSeq,
      ahead,
    );
    this.#meta = { ...this.#meta, replayedAt: 0, unsure };
    this.#outcomes = new Outcomes(this.settings.outcomeRetentionMs, outcomes);
    this.#committer = new Committer(this.store, nextSeq, this, () => this.outcomes.oldestAt);
    // Of an import that was killed between a note and its entry: the next one of that number would get it.
    for (const seq of orphans) {
      this.#notes.delete(seq);
      this.committer.note(seq, undefined);
    }
    if (known === undefined) await this.#begin();
    lost?.addEventListener("abort", () => this.#lose(lost.reason));
    if (lost?.aborted === true) throw lost.reason;
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
  /** Why nothing is stored any more; undefined while it is. */
  get ended(): DatabaseError | undefined {
    return this.#ended;
  }

  /** Takes nothing more, and tells those who wait. */
  end(error: DatabaseError): void {
    this.#ended = error;
    for (const listener of this.#listeners) listener.ended?.(error);
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

  // Entries.

  async read(rows: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.store.read(rows.map((row) => this.backlog.seqOf(row)));
  }

  /** Undefined where it is damaged. */
  async readEntry(row: number): Promise<Entry | undefined> {
    const [bytes] = await this.read([row]);
    return readEntry(bytes);
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
    for (const listener of this.#listeners) listener.parked?.(lane, true);
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
    this.#unpark(this.backlog.laneOf(row), row);
    this.outcomes.add(operation, "dead", at);
    const outcome = { at, state: "dead", operations: Float64Array.of(operation), detail } as const;
    this.committer.discard(this.backlog.seqOf(row), outcome);
    this.counters.discarded += 1;
  }

  /** Its commit has failed. */
  dropped(row: number): void {
    const { backlog } = this;
    const lane = backlog.laneOf(row);
    const [seq, hash] = [backlog.seqOf(row), backlog.laneHash(lane)];
    // An import brings dead letters, and what was noted about others.
    if (this.#notes.has(seq)) this.note(row, NO_NOTE);
    if (backlog.isDead(lane) && backlog.cursorOf(lane) === row) this.#unpark(lane);
    // What stands behind a dead letter is waited for by nobody.
    const isWaitedFor = !backlog.isDead(lane);
    backlog.drop(row);
    if (isWaitedFor) for (const listener of this.#listeners) listener.settled?.(seq, hash);
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
    if (this.backlog.liveCount === 0) this.#tidier.soon();
  }

  failed(error: DatabaseError): void {
    this.report("commit", error);
  }

  /** For errors that no caller is told of. */
  report(phase: QueuePhase, error: unknown): void {
    this.counters.errors += 1;
    if (channels.error.hasSubscribers) channels.error.publish({ queue: this.settings.name, phase, error });
  }

  #end(row: number): void {
    const [seq, lane] = [this.backlog.seqOf(row), this.backlog.laneHash(this.backlog.laneOf(row))];
    this.#ending.set(seq, row);
    this.#notes.delete(seq);
    this.backlog.done(row);
    for (const listener of this.#listeners) listener.settled?.(seq, lane);
  }

  /** @param givenUp the dead letter, where the lane is to go on without it */
  #unpark(lane: number, givenUp?: number): void {
    for (const listener of this.#listeners) listener.parked?.(lane, false);
    // Before the lane may go on: the replay takes up what is next at once.
    if (givenUp !== undefined) this.#end(givenUp);
    this.backlog.unpark(lane);
    this.#moved();
  }

  /** Stores what is left to store, and lets go of the store. */
  async close(): Promise<void> {
    try {
      // A disk that hangs must not hang the caller; what is committed is there all the same.
      await withTimeout(() => this.#finish(), { timeoutMs: CLOSE_TIMEOUT_MS });
    } catch (error) {
      this.report("close", error);
      throw error;
    } finally {
      this.committer.end();
      await this.store.close();
    }
  }

  /** For good: what was being stored when it went is known only after the next `open`, and would come before all later writes. */
  #lose(error: DatabaseError): void {
    this.report("store", error);
    if (this.#ended === undefined) this.end(error);
  }

  async #finish(): Promise<void> {
    try {
      await this.saveMeta({ replayedAt: 0 });
      await this.committer.drain();
    } finally {
      await this.#tidier.end();
    }
  }

  #freed(): void {
    for (const listener of this.#listeners) listener.freed?.();
  }

  #moved(): void {
    for (const listener of this.#listeners) listener.moved?.();
  }
}
