import type { Journal } from "./journal.ts";

/** Entries of one lane that are read together, and their size. */
const LANE_ENTRIES = 8;
const LANE_BYTES = 65_536;
const MAX_KEPT = 1_024;
const MAX_KEPT_BYTES = 8 * 1_048_576;

interface Reading {
  readonly row: number;
  readonly seq: number;
  readonly resolve: (bytes: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads what is to be applied next: the requests of one moment together, and some entries further in each lane. */
export class ReadAhead {
  readonly #journal: Journal;
  readonly #kept = new Map<number, Uint8Array | undefined>();
  #keptBytes = 0;
  #asked: Reading[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  read(row: number): Promise<Uint8Array | undefined> {
    const seq = this.#journal.backlog.seqOf(row);
    if (this.#kept.has(seq)) {
      const bytes = this.#kept.get(seq);
      this.#kept.delete(seq);
      this.#keptBytes -= bytes?.length ?? 0;
      return Promise.resolve(bytes);
    }
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) process.nextTick(() => this.#ask());
      this.#asked.push({ row, seq, resolve, reject });
    });
  }

  clear(): void {
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  #ask(): void {
    const asked = this.#asked;
    this.#asked = [];
    const { backlog } = this.#journal;
    const rows: number[] = asked.map(({ row }) => row);
    // Those of a record that became a dead letter are never asked for.
    if (this.#kept.size >= MAX_KEPT || this.#keptBytes >= MAX_KEPT_BYTES) this.clear();
    for (const { row } of asked) rows.push(...this.#further(row));
    const seqs = rows.map((row) => backlog.seqOf(row));
    this.#journal.store.read(seqs).then(
      (found) => {
        for (const [index, seq] of seqs.entries()) {
          if (index < asked.length) asked[index]?.resolve(found[index]);
          else this.#keep(seq, found[index]);
        }
      },
      (error: unknown) => {
        for (const { reject } of asked) reject(error);
      },
    );
  }

  #keep(seq: number, bytes: Uint8Array | undefined): void {
    if (this.#kept.has(seq)) return;
    this.#kept.set(seq, bytes);
    this.#keptBytes += bytes?.length ?? 0;
  }

  #further(row: number): readonly number[] {
    const { backlog } = this.#journal;
    const rows: number[] = [];
    let bytes = 0;
    for (const next of backlog.activeRows(backlog.laneOf(row))) {
      if (next === row) continue;
      bytes += backlog.sizeOf(next);
      if (rows.length >= LANE_ENTRIES || bytes > LANE_BYTES || backlog.isStoring(next)) break;
      if (!this.#kept.has(backlog.seqOf(next))) rows.push(next);
    }
    return rows;
  }
}
