/**
 * Where a queue keeps its entries: an ordered log of opaque bytes. Whoever writes one for another medium (a log on
 * several machines, say) needs nothing else of this package. The queue makes one `commit` at a time;
 * `read` and `tidy` may come while it runs, `close` when nothing does.
 */
export interface QueueStore {
  /** What the words of `durability` mean here. */
  readonly durability: "fsync" | "os" | "memory";
  /**
   * Takes hold of the store, alone.
   * @throws DATABASE_LOCKED naming the holder, STORAGE_DAMAGED, STORAGE_FAILED
   */
  open(): Promise<OpenedStore>;
  /**
   * All of a batch or nothing; when the promise resolves it survives what `durability` says.
   * @throws QUEUE_FULL (no room) or STORAGE_FAILED: nothing of it is stored; DURABILITY_UNKNOWN: nobody can tell
   */
  commit(batch: StoreBatch): Promise<void>;
  /** The bytes of each entry, in the order asked for; undefined for one that is not there. @throws STORAGE_FAILED */
  read(seqs: readonly number[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Memory to pack entries into, for a store that has it in a better place than the heap. The queue keeps and reuses it: what
   * stands in a batch is only valid until its `commit` settles.
   */
  allocate?(bytes: number): Buffer;
  /** Gives space back that the store no longer needs. Called when the queue is empty or nearly so. */
  tidy(): Promise<void>;
  /** Lets go of the store. What was committed stays. */
  close(): Promise<void>;
}

/** What a store held when it was opened. */
export interface OpenedStore {
  /** Entries in ascending order of `seq`, in chunks of any size. Read to its end before the first commit. */
  readonly entries: AsyncIterable<HeadChunk>;
  /** By `seq`: what was noted about entries that are still there. */
  readonly notes: ReadonlyMap<number, string>;
  readonly outcomes: readonly OutcomeRow[];
  /** As last committed; undefined for a new store. */
  readonly meta: string | undefined;
  /** Where a damaged store was moved to, if it was. */
  readonly quarantined?: readonly string[] | undefined;
  /**
   * Fires when the store is gone for good, with a `DatabaseError` as its reason: the queue then refuses what comes, with that, and
   * applies nothing more. Default: never.
   */
  readonly lost?: AbortSignal | undefined;
}

/** The beginnings of some entries. */
export interface HeadChunk {
  readonly seqs: Float64Array;
  /** The length of each entry in bytes. */
  readonly sizes: Float64Array;
  /** The first `HEAD_BYTES` of each entry, one after the other. */
  readonly heads: Uint8Array;
}

/** Operations whose end is known. */
export interface OutcomeRow {
  /** ms since 1970. */
  readonly at: number;
  readonly state: "applied" | "dead";
  /** Hashes of operation ids. */
  readonly operations: Float64Array;
  /** For a discarded one: JSON with its operation id, record id and reason. */
  readonly detail: string | undefined;
}

export interface StoreBatch {
  /** New entries: they get the numbers `firstSeq`, `firstSeq + 1`, … */
  readonly firstSeq: number;
  readonly count: number;
  /** `count` entries one after the other, each after its length as uint32, little-endian. Valid until `commit` settles. */
  readonly entries: Uint8Array;
  /** Entries to take away, with their notes. */
  readonly removed: readonly number[];
  /** To note about an entry, in place of what was noted before; undefined takes the note away. */
  readonly notes: readonly (readonly [seq: number, note: string | undefined])[];
  readonly outcomes: readonly OutcomeRow[];
  /** Outcomes from before this time are not needed any more; 0 keeps all. */
  readonly forgetOutcomesBefore: number;
  /** In place of the `meta` of before; undefined leaves it. */
  readonly meta: string | undefined;
}

/** The parts of a packed buffer of `count` entries. */
export function unpack(packed: Uint8Array, count: number): readonly Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const length = view.getUint32(at, true);
    entries.push(packed.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return entries;
}
