import { HEAD_BYTES } from "./entry.ts";
import {
  type HeadChunk,
  type OpenedStore,
  type OutcomeRow,
  type QueueStore,
  type StoreBatch,
  unpack,
} from "./store.ts";

/**
 * A store that lives as long as its process: for tests, and for those who want no file. It can be opened again after
 * `close()` and then holds what was committed.
 */
export class MemoryStore implements QueueStore {
  readonly durability = "memory";
  readonly #entries = new Map<number, Uint8Array>();
  readonly #notes = new Map<number, string>();
  #outcomes: OutcomeRow[] = [];
  #meta: string | undefined;

  async open(): Promise<OpenedStore> {
    const entries = this.#entries;
    async function* chunks(): AsyncGenerator<HeadChunk> {
      if (entries.size > 0) yield chunkOf([...entries].sort(([a], [b]) => a - b));
    }
    return { entries: chunks(), notes: new Map(this.#notes), outcomes: [...this.#outcomes], meta: this.#meta };
  }

  async commit(batch: StoreBatch): Promise<void> {
    const { firstSeq, count, entries, removed, notes, outcomes, forgetOutcomesBefore, meta } = batch;
    for (const [index, entry] of unpack(entries, count).entries()) {
      this.#entries.set(firstSeq + index, Uint8Array.from(entry));
    }
    for (const [seq, note] of notes) {
      if (note === undefined) this.#notes.delete(seq);
      else this.#notes.set(seq, note);
    }
    for (const seq of removed) {
      this.#entries.delete(seq);
      this.#notes.delete(seq);
    }
    this.#outcomes = [...this.#outcomes.filter(({ at }) => at >= forgetOutcomesBefore), ...outcomes];
    this.#meta = meta ?? this.#meta;
  }

  async read(seqs: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return seqs.map((seq) => this.#entries.get(seq));
  }

  async tidy(): Promise<void> {}

  async close(): Promise<void> {}
}

function chunkOf(entries: readonly (readonly [number, Uint8Array])[]): HeadChunk {
  const heads = new Uint8Array(entries.length * HEAD_BYTES);
  for (const [index, [, bytes]] of entries.entries()) heads.set(bytes.subarray(0, HEAD_BYTES), index * HEAD_BYTES);
  return {
    seqs: Float64Array.from(entries, ([seq]) => seq),
    sizes: Float64Array.from(entries, ([, bytes]) => bytes.length),
    heads,
  };
}
