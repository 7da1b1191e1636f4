import {
  checkKeys,
  type ErrorCode,
  type Fields,
  invalid,
  type Scope,
  toDatabaseError,
  type UpdateMode,
  type WriteKind,
  withEffect,
} from "@db/core";
import { channels } from "./channels.ts";
import { readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { workOf } from "./work.ts";

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
  readonly fingerprint: string | undefined;
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

const READ_AT_ONCE = 256;

/** Lists dead letters, and does what an operator decides. */
export class DeadLetters {
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The oldest first. */
  async list(options: DeadLetterOptions = {}): Promise<readonly DeadLetter[]> {
    checkKeys("deadLetters", options, ["limit", "afterSeq"]);
    const { limit = 1_000, afterSeq = 0 } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
      throw invalid(["limit"], "limit", "an integer in 1..100000");
    if (!Number.isSafeInteger(afterSeq) || afterSeq < 0)
      throw invalid(["afterSeq"], "afterSeq", "the seq of a dead letter, or 0");
    this.#checkOpen();
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
    this.#checkOpen();
    const isMeant = (letter: DeadLetter): boolean => letter.seq === id || letter.operationId === id || letter.id === id;
    const letters = await this.#look(this.#rows(), isMeant);
    this.#checkOpen();
    // Only what is a dead letter still, now that all have been read.
    const rows = new Map(this.#rows().map((row) => [backlog.seqOf(row), row]));
    let count = 0;
    for (const letter of letters) {
      const row = rows.get(letter.seq);
      if (row === undefined) continue;
      act(row, letter);
      count += 1;
    }
    if (count > 0) await this.#stored();
    return count;
  }

  async #stored(): Promise<void> {
    try {
      await this.#journal.committer.flush();
    } catch (error) {
      // It is in force, and stored once that is possible; an end of the process before undoes it.
      throw withEffect(toDatabaseError(error, "unknown"), "unknown");
    }
  }

  #checkOpen(): void {
    const { ended } = this.#journal;
    if (ended !== undefined) throw ended;
  }

  #rows(): number[] {
    const { backlog } = this.#journal;
    const rows = [...backlog.deadLanes()].map((lane) => backlog.cursorOf(lane));
    return rows.sort((a, b) => backlog.seqOf(a) - backlog.seqOf(b));
  }

  async #look(
    rows: readonly number[],
    isWanted: (letter: DeadLetter) => boolean = () => true,
  ): Promise<readonly DeadLetter[]> {
    const { backlog } = this.#journal;
    const known = rows.map((row) => ({
      seq: backlog.seqOf(row),
      queuedAt: backlog.queuedAt(row),
      note: this.#journal.noteOf(row),
      parked: backlog.activeOf(backlog.laneOf(row)) - 1,
    }));
    const letters: DeadLetter[] = [];
    // Asked also where there are none: a store that is gone has to say so.
    for (let at = 0; at === 0 || at < known.length; at += READ_AT_ONCE) {
      const part = known.slice(at, at + READ_AT_ONCE);
      const found = await this.#journal.store.read(part.map(({ seq }) => seq));
      for (const [index, { seq, queuedAt, note, parked }] of part.entries()) {
        const { attempts, lastError, deadSince = 0 } = note;
        const contents = this.#contents(found[index]);
        const letter = { ...contents, seq, queuedAt, deadSince, attempts, lastError, parked };
        if (isWanted(letter)) letters.push(letter);
      }
    }
    return letters;
  }

  #contents(
    bytes: Uint8Array | undefined,
  ): Pick<DeadLetter, "operationId" | "id" | "kind" | "data" | "mode" | "remove" | "scope" | "fingerprint"> {
    const entry = readEntry(bytes);
    const nothing = {
      id: undefined,
      kind: undefined,
      data: undefined,
      mode: undefined,
      remove: undefined,
      scope: undefined,
      fingerprint: undefined,
    };
    if (entry === undefined) return { operationId: undefined, ...nothing };
    const work = workOf(this.#journal.codecs, entry);
    // What cannot be decoded is a dead letter because of that, and says so in `lastError`.
    return { operationId: entry.operationId, ...nothing, ...(typeof work === "string" ? {} : work.write) };
  }
}
