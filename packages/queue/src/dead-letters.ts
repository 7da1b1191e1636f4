import { type ErrorCode, type Fields, invalid, type Scope, type UpdateMode, type WriteKind } from "@db/core";
import { channels } from "./channels.ts";
import { readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";

/** A write that will not be applied unless somebody says so. Later writes of its record wait behind it. */
export interface DeadLetter {
  /** Undefined, as all that stands in the entry, where the entry itself is damaged. */
  readonly operationId: string | undefined;
  readonly id: string | undefined;
  readonly kind: WriteKind | undefined;
  readonly data: Fields | undefined;
  readonly mode: UpdateMode | undefined;
  readonly remove: readonly string[] | undefined;
  readonly scope: Scope | undefined;
  readonly seq: number;
  /** ms since 1970. */
  readonly queuedAt: number;
  readonly deadSince: number;
  readonly attempts: number;
  readonly lastError: { readonly code: ErrorCode; readonly message: string; readonly at: number } | undefined;
  /** Writes of the record that wait behind it. */
  readonly parked: number;
}

export interface DeadLetterOptions {
  /** How many at most: 1..100,000. Default 1,000. */
  readonly limit?: number;
  /** Only those with a higher `seq`: for the next page. Default 0. */
  readonly afterSeq?: number;
}

/** Lists dead letters, and does what an operator decides. */
export class DeadLetters {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The oldest first. */
  async list({ limit = 1_000, afterSeq = 0 }: DeadLetterOptions = {}): Promise<readonly DeadLetter[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
      throw invalid(["limit"], "limit", "an integer in 1..100000");
    const rows = this.#rows().filter((row) => this.#journal.backlog.seqOf(row) > afterSeq);
    return this.#look(rows.slice(0, limit));
  }

  /** @param id an operation id, a record id, or the `seq` of a dead letter */
  async redrive(id: string | number): Promise<number> {
    return this.#act(id, (row, { operationId }) => {
      this.#journal.redrive(row);
      if (channels.redrive.hasSubscribers)
        channels.redrive.publish({ queue: this.#journal.settings.name, operationId });
    });
  }

  async discard(id: string | number, reason: string): Promise<number> {
    if (typeof reason !== "string" || reason.trim() === "") throw invalid(["reason"], "reason", "a text that says why");
    return this.#act(id, (row, letter) => {
      const { operationId } = letter;
      this.#journal.discard(row, JSON.stringify({ operationId, id: letter.id, reason }));
      if (channels.discard.hasSubscribers)
        channels.discard.publish({ queue: this.#journal.settings.name, operationId, reason });
    });
  }

  /** Returns how many there were, once it is durable. */
  async #act(id: string | number, act: (row: number, letter: DeadLetter) => void): Promise<number> {
    if (typeof id !== "string" && typeof id !== "number")
      throw invalid(["id"], "type", "an operation id, a record id or the seq of a dead letter");
    const { backlog } = this.#journal;
    const letters = await this.#look(this.#rows());
    // Only what is a dead letter still, now that all have been read.
    const rows = new Map(this.#rows().map((row) => [backlog.seqOf(row), row]));
    let count = 0;
    for (const letter of letters) {
      const row = rows.get(letter.seq);
      if (row === undefined || (letter.seq !== id && letter.operationId !== id && letter.id !== id)) continue;
      act(row, letter);
      count += 1;
    }
    if (count > 0) await this.#journal.committer.flush();
    return count;
  }

  #rows(): number[] {
    const { backlog } = this.#journal;
    const rows = [...backlog.deadLanes()].map((lane) => backlog.cursorOf(lane));
    return rows.sort((a, b) => backlog.seqOf(a) - backlog.seqOf(b));
  }

  async #look(rows: readonly number[]): Promise<readonly DeadLetter[]> {
    const { backlog } = this.#journal;
    const known = rows.map((row) => ({
      seq: backlog.seqOf(row),
      queuedAt: backlog.queuedAt(row),
      note: this.#journal.noteOf(row),
      parked: backlog.activeOf(backlog.laneOf(row)) - 1,
    }));
    const found = await this.#journal.read(rows);
    return known.map(({ seq, queuedAt, note, parked }, index) => {
      const { attempts, lastError, deadSince = 0 } = note;
      return { ...this.#contents(found[index]), seq, queuedAt, deadSince, attempts, lastError, parked };
    });
  }

  #contents(
    bytes: Uint8Array | undefined,
  ): Pick<DeadLetter, "operationId" | "id" | "kind" | "data" | "mode" | "remove" | "scope"> {
    const entry = bytes === undefined ? undefined : readEntry(bytes);
    const nothing = {
      id: undefined,
      kind: undefined,
      data: undefined,
      mode: undefined,
      remove: undefined,
      scope: undefined,
    };
    if (entry === undefined) return { operationId: undefined, ...nothing };
    const { operationId } = entry;
    try {
      return { operationId, ...nothing, ...this.#journal.decode(entry) };
    } catch {
      // It is a dead letter because of that, and says so in `lastError`.
      return { operationId, ...nothing };
    }
  }
}
