import {
  type DatabaseError,
  DatabaseErrorOf,
  interrupted,
  type OperationOf,
  operationReused,
  type Scope,
  toDatabaseError,
  type WriteKind,
} from "@db/core";
import { channels, type RejectReason } from "./channels.ts";
import type { Ticket } from "./committer.ts";
import { earlierWrite, isOther } from "./earlier-write.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { formatNote, NO_NOTE, type Note } from "./note.ts";
import type { Settings } from "./options.ts";
import { copied, toStored } from "./stored-write.ts";

/** What a stored write is known by. */
export interface Receipt {
  /** The same for every attempt to apply it: what `outcome`, `redrive` and the database's ledger go by. */
  readonly operationId: string;
  /** The id of the record. */
  readonly id: string;
  /** Its place in the queue; grows by one with each entry. */
  readonly seq: number;
}

export interface Intent {
  readonly operation: OperationOf<WriteKind>;
  readonly scope: Scope | undefined;
  readonly operationId: string;
  readonly fingerprint: string | undefined;
  /** It may have been applied already. */
  readonly maybeApplied: boolean;
  readonly signal: AbortSignal | undefined;
  /** For an import: when it was queued elsewhere, ms since 1970, and what was noted about it there. */
  readonly queuedAt?: number;
  readonly note?: Note;
}

/** Takes writes in: one entry for each operation id, never more than there is room for, answered when durable. */
export class Intake {
  readonly #journal: Journal;
  readonly #settings: Settings;
  readonly #line: Waiter[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#settings = journal.settings;
    journal.listen({ freed: () => this.#serve(), ended: (error) => this.#refuseAll(error) });
  }

  /** @throws QUEUE_FULL, PAYLOAD_TOO_LARGE, VALIDATION_FAILED, STORAGE_FAILED, DURABILITY_UNKNOWN, CANCELLED, CLOSED */
  put(intent: Intent): Promise<Receipt> {
    try {
      const { ended } = this.#journal;
      if (ended !== undefined) throw this.#refusedBy(ended);
      if (intent.signal?.aborted === true) throw this.#cancelled(intent.signal);
      if (this.#isKnown(intent)) return this.#putAgain(intent);
      // Who comes later, or needs less room, does not pass those who wait.
      return (this.#line.length === 0 ? this.#take(intent) : undefined) ?? this.#full(intent);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Those who wait for room will get none. */
  #refuseAll(error: DatabaseError): void {
    for (const waiter of this.#line.splice(0)) {
      waiter.leave();
      waiter.reject(this.#refusedBy(error));
    }
  }

  #refusedBy(ended: DatabaseError): DatabaseError {
    return this.refused(ended.code === "CLOSED" ? "closed" : "storage", ended);
  }

  refused<E>(reason: RejectReason, error: E): E {
    this.#journal.counters.rejected[reason] += 1;
    if (channels.reject.hasSubscribers) channels.reject.publish({ queue: this.#settings.name, reason });
    return error;
  }

  /** Undefined where there is no room. */
  #take({
    operation,
    scope,
    operationId,
    fingerprint,
    maybeApplied,
    signal,
    queuedAt = Date.now(),
    note = NO_NOTE,
  }: Intent): Promise<Receipt> | undefined {
    // It may have fired since the call came.
    if (signal?.aborted === true) throw this.#cancelled(signal);
    const journal = this.#journal;
    const { backlog, committer } = journal;
    const { maxEntries, maxBytes, maxEntryBytes, codec } = this.#settings;
    if (backlog.count >= maxEntries || backlog.bytes >= maxBytes) return undefined;
    const lane = journal.laneHash(operation.id, scope);
    const head = {
      codec: codec.id,
      maybeApplied,
      queuedAt,
      lane,
      operation: journal.hashOf(operationId),
    };
    const limitBytes = Math.min(maxEntryBytes, maxBytes);
    let size: number;
    try {
      const payload = codec.encode(toStored(operation, scope, fingerprint));
      // Room is made for three bytes a character, and kept: not for what can never fit.
      size = payload.length > limitBytes ? payload.length : committer.write(head, operationId, payload);
    } catch (error) {
      throw toDatabaseError(error, "none");
    }
    if (size > limitBytes) {
      const message = `the write takes ${size} bytes or more in the queue, of ${limitBytes} that are allowed`;
      throw this.refused("too_large", new DatabaseErrorOf("PAYLOAD_TOO_LARGE", message, { limitBytes }));
    }
    if (backlog.bytes + size > maxBytes) return undefined;
    return new Promise((resolve, reject) => {
      const ticket = new PendingEntry(this, journal, operation, operationId, size, resolve, reject);
      // Before the entry, which may go at once: without what was noted a dead letter would be applied after a kill.
      if (note !== NO_NOTE) committer.note(committer.nextSeq, formatNote(note));
      ticket.seq = committer.accept(ticket, size);
      ticket.row = backlog.add(ticket.seq, size, head, false);
      if (note !== NO_NOTE) adopt(journal, ticket.row, note);
    });
  }

  #full(given: Intent): Promise<Receipt> {
    const { backlog } = this.#journal;
    if (this.#settings.overflow === "reject") {
      const message = `the queue is full: ${backlog.count} entries, ${backlog.bytes} bytes`;
      throw this.refused("full", new DatabaseErrorOf("QUEUE_FULL", message, {}));
    }
    const intent = { ...given, operation: copied(given.operation) };
    return new Promise((resolve, reject) => {
      const { signal } = intent;
      const leave = (): void => signal?.removeEventListener("abort", abort);
      const abort = (): void => {
        leave();
        this.#line.splice(this.#line.indexOf(waiter), 1);
        if (signal !== undefined) reject(this.#cancelled(signal));
        // He may have been the one for whom there was too little room.
        this.#serve();
      };
      const waiter: Waiter = { intent, resolve, reject, leave };
      this.#line.push(waiter);
      signal?.addEventListener("abort", abort);
    });
  }

  /** Room has come: to those who waited longest first. */
  #serve(): void {
    for (let waiter = this.#line[0]; waiter !== undefined; waiter = this.#line[0]) {
      let taken: Promise<Receipt> | undefined;
      try {
        taken = this.#isKnown(waiter.intent) ? this.#putAgain(waiter.intent) : this.#take(waiter.intent);
      } catch (error) {
        taken = Promise.reject(error);
      }
      if (taken === undefined) return;
      this.#line.shift();
      waiter.leave();
      taken.then(waiter.resolve, waiter.reject);
    }
  }

  /** Whether an entry of the operation is here, or one with the same hash. */
  #isKnown({ operationId }: Intent): boolean {
    return this.#journal.backlog.findOperation(this.#journal.hashOf(operationId)) !== NONE;
  }

  #isStoring({ operationId }: Intent): boolean {
    const row = this.#journal.backlog.findOperation(this.#journal.hashOf(operationId));
    return row !== NONE && this.#journal.backlog.isStoring(row);
  }

  /** An operation id that is here already is one write, however often it is sent. */
  async #putAgain(given: Intent): Promise<Receipt> {
    const journal = this.#journal;
    const { operationId, fingerprint } = given;
    const intent = { ...given, operation: copied(given.operation) };
    for (;;) {
      const earlier = await earlierWrite(journal, operationId);
      if (earlier !== undefined) {
        if (isOther(earlier, fingerprint)) throw operationReused();
        return { operationId, id: earlier.write?.id ?? intent.operation.id, seq: earlier.seq };
      }
      // Unless another call has been quicker to store it.
      if (journal.ended !== undefined) throw this.#refusedBy(journal.ended);
      if (!this.#isStoring(intent)) return this.#take(intent) ?? this.#full(intent);
    }
  }

  #cancelled(signal: AbortSignal): DatabaseError {
    return this.refused("aborted", interrupted({ signal }, "none"));
  }
}

/** Takes over what was noted about an entry elsewhere. */
function adopt(journal: Journal, row: number, note: Note): void {
  const { backlog } = journal;
  const isNext = backlog.cursorOf(backlog.laneOf(row)) === row;
  // What is dead and stands behind others here is a dead letter when its turn comes.
  if (note.deadSince !== undefined && isNext) journal.park(row, note);
  else journal.note(row, note);
}

interface Waiter {
  readonly intent: Intent;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: unknown) => void;
  /** Takes its listener off the signal. */
  readonly leave: () => void;
}

class PendingEntry implements Ticket {
  readonly operationId: string;
  seq = 0;
  row = NONE;
  readonly #intake: Intake;
  readonly #journal: Journal;
  readonly #operation: OperationOf<WriteKind>;
  readonly #bytes: number;
  readonly #startedAt: number;
  readonly #resolve: (receipt: Receipt) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    intake: Intake,
    journal: Journal,
    operation: OperationOf<WriteKind>,
    operationId: string,
    bytes: number,
    resolve: (receipt: Receipt) => void,
    reject: (error: unknown) => void,
  ) {
    this.#intake = intake;
    this.#journal = journal;
    this.#operation = operation;
    this.operationId = operationId;
    this.#bytes = bytes;
    this.#startedAt = channels.enqueue.hasSubscribers ? performance.now() : 0;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  stored(): void {
    const { operationId, seq } = this;
    const { id, kind, collection } = this.#operation;
    this.#journal.stored(this.row);
    this.#journal.counters.enqueued += 1;
    this.#resolve({ operationId, id, seq });
    if (this.#startedAt === 0) return;
    const durationMs = performance.now() - this.#startedAt;
    const queue = this.#journal.settings.name;
    channels.enqueue.publish({ queue, kind, collection, operationId, bytes: this.#bytes, durationMs });
  }

  failed(error: unknown): void {
    this.#journal.dropped(this.row);
    this.#reject(this.#intake.refused("storage", error));
  }
}
