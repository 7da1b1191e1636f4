import { DatabaseErrorOf, type OperationOf, type Scope, type WriteKind } from "@db/core";
import { channels, type RejectReason } from "./channels.ts";
import type { Ticket } from "./committer.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { NO_NOTE, type Note } from "./note.ts";
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
  #closed = false;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#settings = journal.settings;
    journal.listen({ moved() {}, settled() {}, parked() {}, freed: () => this.#serve() });
  }

  /** @throws QUEUE_FULL, PAYLOAD_TOO_LARGE, VALIDATION_FAILED, STORAGE_FAILED, DURABILITY_UNKNOWN, CANCELLED, CLOSED */
  put(intent: Intent): Promise<Receipt> {
    try {
      if (this.#closed) throw this.refused("closed", new DatabaseErrorOf("CLOSED", "the queue is closed", {}));
      if (intent.signal?.aborted === true) throw this.#cancelled(intent);
      const known = this.#journal.backlog.findOperation(this.#journal.hashOf(intent.operationId));
      if (known !== NONE) return this.#putAgain(intent);
      return this.#take(intent) ?? this.#full(intent);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** No more is taken, and those who wait for room are told. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#line.splice(0)) {
      waiter.leave();
      waiter.reject(this.refused("closed", new DatabaseErrorOf("CLOSED", "the queue is closed", {})));
    }
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
    maybeApplied,
    queuedAt = Date.now(),
    note = NO_NOTE,
  }: Intent): Promise<Receipt> | undefined {
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
    const size = committer.write(head, operationId, codec.encode(toStored(operation, scope)));
    if (size > Math.min(maxEntryBytes, maxBytes)) {
      const limitBytes = Math.min(maxEntryBytes, maxBytes);
      const message = `the write takes ${size} bytes in the queue, more than the ${limitBytes} that are allowed`;
      throw this.refused("too_large", new DatabaseErrorOf("PAYLOAD_TOO_LARGE", message, { limitBytes }));
    }
    if (backlog.bytes + size > maxBytes) return undefined;
    return new Promise((resolve, reject) => {
      const ticket = new PendingEntry(this, journal, operation, operationId, size, resolve, reject);
      ticket.seq = committer.accept(ticket, size);
      ticket.row = backlog.add(ticket.seq, size, head, false);
      if (note !== NO_NOTE) journal.adopt(ticket.row, note);
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
        reject(this.#cancelled(intent));
      };
      const waiter: Waiter = { intent, resolve, reject, leave };
      this.#line.push(waiter);
      signal?.addEventListener("abort", abort);
    });
  }

  /** Room has come: to those who waited longest first. */
  #serve(): void {
    while (this.#line.length > 0) {
      const [waiter] = this.#line;
      if (waiter === undefined) return;
      let taken: Promise<Receipt> | undefined;
      try {
        taken = this.#take(waiter.intent);
      } catch (error) {
        taken = Promise.reject(error);
      }
      if (taken === undefined) return;
      this.#line.shift();
      waiter.leave();
      taken.then(waiter.resolve, waiter.reject);
    }
  }

  /** An operation id that is here already is one write, however often it is sent. */
  async #putAgain(given: Intent): Promise<Receipt> {
    const journal = this.#journal;
    const { operationId } = given;
    const intent = { ...given, operation: copied(given.operation) };
    let row = await journal.findOperation(operationId);
    while (row !== NONE && journal.backlog.isStoring(row)) {
      await journal.committer.flush();
      row = await journal.findOperation(operationId);
    }
    if (row === NONE) return this.#take(intent) ?? this.#full(intent);
    return { operationId, id: intent.operation.id, seq: journal.backlog.seqOf(row) };
  }

  #cancelled({ signal }: Intent): DatabaseErrorOf<"CANCELLED"> {
    const error = new DatabaseErrorOf("CANCELLED", "cancelled by the caller's signal", {}, { cause: signal?.reason });
    return this.refused("aborted", error);
  }
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
    if (!channels.enqueue.hasSubscribers) return;
    const durationMs = this.#startedAt === 0 ? 0 : performance.now() - this.#startedAt;
    const queue = this.#journal.settings.name;
    channels.enqueue.publish({ queue, kind, collection, operationId, bytes: this.#bytes, durationMs });
  }

  failed(error: unknown): void {
    this.#journal.dropped(this.row);
    this.#reject(this.#intake.refused("storage", error));
  }
}
