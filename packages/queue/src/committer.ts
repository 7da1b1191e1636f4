import { type DatabaseError, DatabaseErrorOf, toDatabaseError } from "@db/core";
import { type EntryHead, OVERHEAD_BYTES, writeEntry } from "./entry.ts";
import type { OutcomeRow, QueueStore, StoreBatch } from "./store.ts";

/** A batch takes no more than this: callers at its end wait for all of it. */
const MAX_BATCH_BYTES = 1_048_576;
const MAX_BATCH_ENTRIES = 4_096;
const EAGER_ENTRIES = 256;
const FIRST_BATCH_BYTES = 65_536;
/** How long ends of entries wait for company before they get a commit of their own. */
const REMOVAL_DELAY_MS = 5;
/** What is kept for reuse, so that an outage that filled many leaves nothing behind. */
const MAX_SPARE = 2;
const MAX_SPARE_BYTES = 4 * MAX_BATCH_BYTES;
const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

/** One entry on its way into the store. */
export interface Ticket {
  readonly operationId: string;
  stored(): void;
  failed(error: DatabaseError): void;
}

/** What is told of each commit. */
export interface CommitListener {
  committed(appended: number, removed: readonly number[], bytes: number, durationMs: number): void;
  failed(error: DatabaseError): void;
}

type Allocate = (bytes: number) => Buffer;

/** New entries, packed as they go to the store. */
class Batch {
  readonly tickets: Ticket[] = [];
  readonly #allocate: Allocate;
  firstSeq = 0;
  buffer: Buffer;
  used = 0;

  constructor(allocate: Allocate) {
    this.#allocate = allocate;
    this.buffer = allocate(FIRST_BATCH_BYTES);
  }

  begin(firstSeq: number): this {
    this.firstSeq = firstSeq;
    this.tickets.length = 0;
    this.used = 0;
    return this;
  }

  /** Writes behind the last entry; `accept` makes it one. Returns its length. */
  write(head: EntryHead, operationId: string, payload: Uint8Array | string): number {
    const room = this.used + 4 + OVERHEAD_BYTES + payload.length * (typeof payload === "string" ? 3 : 1);
    if (room > this.buffer.length) {
      const grown = this.#allocate(Math.max(this.buffer.length * 2, room));
      grown.set(this.buffer.subarray(0, this.used));
      this.buffer = grown;
    }
    return writeEntry(this.buffer, this.used + 4, head, operationId, payload);
  }

  accept(ticket: Ticket, length: number): number {
    this.buffer.writeUInt32LE(length, this.used);
    this.used += 4 + length;
    this.tickets.push(ticket);
    return this.firstSeq + this.tickets.length - 1;
  }

  get isFull(): boolean {
    return this.used >= MAX_BATCH_BYTES || this.tickets.length >= MAX_BATCH_ENTRIES;
  }
}

/**
 * Group commit: all that arrives while one commit runs goes into the next. Ends of entries ride along with new ones. What
 * cannot be stored is refused to its callers; ends and notes are kept and tried again.
 */
export class Committer {
  readonly #store: QueueStore;
  readonly #listener: CommitListener;
  readonly #forgetBefore: () => number;
  readonly #allocate: Allocate;
  #open: Batch;
  readonly #full: Batch[] = [];
  /** Batches that are done, for their memory. */
  readonly #spare: Batch[] = [];
  readonly #notes = new Map<number, string | undefined>();
  #removed: number[] = [];
  /** Hashes of the operations that were applied. */
  #applied: number[] = [];
  #details: OutcomeRow[] = [];
  #meta: string | undefined;
  /** A commit is under way in the store. */
  #busy = false;
  #running: Promise<void> = Promise.resolve();
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = 0;
  #lastError: DatabaseError | undefined;
  #ended = false;

  constructor(store: QueueStore, nextSeq: number, listener: CommitListener, forgetBefore: () => number) {
    this.#store = store;
    this.#listener = listener;
    this.#forgetBefore = forgetBefore;
    this.#allocate = (bytes) => store.allocate?.(bytes) ?? Buffer.allocUnsafeSlow(bytes);
    this.#open = new Batch(this.#allocate).begin(nextSeq);
  }

  /** The number that the next entry gets. */
  get nextSeq(): number {
    return this.#open.firstSeq + this.#open.tickets.length;
  }

  /** Writes an entry without taking it yet. Returns its length. */
  write(head: EntryHead, operationId: string, payload: Uint8Array | string): number {
    return this.#open.write(head, operationId, payload);
  }

  /** Takes what was written last. Returns its number. */
  accept(ticket: Ticket, length: number): number {
    const seq = this.#open.accept(ticket, length);
    if (this.#open.isFull) {
      this.#full.push(this.#open);
      this.#open = this.#newBatch(seq + 1);
    }
    // A large batch goes while its rest is still being written, so that both threads have something to do.
    if (!this.#busy && this.#open.tickets.length >= EAGER_ENTRIES) this.#run();
    else this.#soon();
    return seq;
  }

  /** The entry is applied. */
  remove(seq: number, operation: number): void {
    this.#removed.push(seq);
    this.#notes.delete(seq);
    this.#applied.push(operation);
    this.#later();
  }

  /** The entry is given up. */
  discard(seq: number, outcome: OutcomeRow): void {
    this.#removed.push(seq);
    this.#notes.delete(seq);
    this.#details.push(outcome);
    this.#later();
  }

  note(seq: number, note: string | undefined): void {
    this.#notes.set(seq, note);
    this.#later();
  }

  /** Goes with the next commit. */
  setMeta(meta: string): void {
    this.#meta = meta;
  }

  /** Resolves when ends, notes and meta of before are stored. @throws what the store threw */
  async flush(): Promise<void> {
    if (this.#busy) await this.#running;
    // What came while that one ran goes into the next, which another flush may have begun already.
    if (!this.#busy) {
      if (!this.#hasWork) return;
      this.#run();
    }
    await this.#running;
    if (this.#lastError !== undefined) throw this.#lastError;
  }

  /** Resolves when all is stored; for an end, after which nothing comes any more. */
  async drain(): Promise<void> {
    while (this.#busy || this.#hasWork) await this.flush();
  }

  /** Nothing is tried again. */
  end(): void {
    clearTimeout(this.#timer);
    this.#ended = true;
  }

  get #hasWork(): boolean {
    return (
      this.#full.length > 0 ||
      this.#open.tickets.length > 0 ||
      this.#removed.length > 0 ||
      this.#notes.size > 0 ||
      this.#meta !== undefined
    );
  }

  /** After all that runs now, so that callers who were answered together come back together. */
  #soon(): void {
    if (this.#scheduled || this.#busy) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      if (!this.#busy && this.#hasWork) this.#run();
    });
  }

  #later(): void {
    if (this.#timer !== undefined || this.#busy || this.#scheduled || this.#ended) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (!this.#busy && this.#hasWork) this.#run();
      },
      Math.max(this.#pauseMs, REMOVAL_DELAY_MS),
    );
    // A disk that fails must not keep a process alive; ends that only wait for company do.
    if (this.#pauseMs > 0) this.#timer.unref();
  }

  #run(): void {
    this.#busy = true;
    this.#running = this.#commit();
  }

  /** To be called before anybody is told: who comes back at once finds the store free. */
  #next(): void {
    this.#busy = false;
    if (this.#full.length > 0 || this.#open.tickets.length > 0) this.#soon();
    else if (this.#hasWork) this.#later();
  }

  async #commit(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#full.shift() ?? this.#seal();
    const { firstSeq, tickets, buffer, used } = batch;
    const notes = [...this.#notes];
    const [removed, applied, details, meta] = [this.#removed, this.#applied, this.#details, this.#meta];
    this.#notes.clear();
    this.#removed = [];
    this.#applied = [];
    this.#details = [];
    this.#meta = undefined;
    const outcomes: OutcomeRow[] = [...details];
    if (applied.length > 0)
      outcomes.push({ at: Date.now(), state: "applied", operations: Float64Array.from(applied), detail: undefined });
    const start = performance.now();
    try {
      await this.#store.commit({
        firstSeq,
        count: tickets.length,
        entries: buffer.subarray(0, used),
        removed,
        notes,
        outcomes,
        forgetOutcomesBefore: this.#forgetBefore(),
        meta,
      } satisfies StoreBatch);
    } catch (thrown) {
      const error = toDatabaseError(thrown, "unknown");
      for (const [seq, note] of notes) if (!this.#notes.has(seq)) this.#notes.set(seq, note);
      this.#removed = [...removed, ...this.#removed];
      this.#applied = [...applied, ...this.#applied];
      this.#details = [...details, ...this.#details];
      this.#meta ??= meta;
      this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, MIN_PAUSE_MS), MAX_PAUSE_MS);
      this.#lastError = error;
      this.#next();
      this.#listener.failed(error);
      for (const ticket of tickets) ticket.failed(forTicket(error, ticket));
      return;
    }
    this.#pauseMs = 0;
    this.#lastError = undefined;
    this.#next();
    for (const ticket of tickets) ticket.stored();
    this.#listener.committed(tickets.length, removed, used, performance.now() - start);
    if (this.#spare.length < MAX_SPARE && buffer.length <= MAX_SPARE_BYTES) this.#spare.push(batch);
  }

  #seal(): Batch {
    const batch = this.#open;
    this.#open = this.#newBatch(batch.firstSeq + batch.tickets.length);
    return batch;
  }

  #newBatch(firstSeq: number): Batch {
    return (this.#spare.pop() ?? new Batch(this.#allocate)).begin(firstSeq);
  }
}

function forTicket(error: DatabaseError, { operationId }: Ticket): DatabaseError {
  if (error.code !== "DURABILITY_UNKNOWN") return error;
  const { message, effect, cause } = error;
  return new DatabaseErrorOf("DURABILITY_UNKNOWN", message, { operationId }, { effect, cause });
}
