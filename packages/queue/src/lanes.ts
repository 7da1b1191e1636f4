import { Columns, grown, grownBytes, grownInts } from "./columns.ts";
import { HashIndex } from "./hash-index.ts";

export const NONE = -1;

/**
 * The records that have entries. A lane is known by its hash alone: two records with one hash share a lane, which makes
 * one wait for the other and does no harm.
 */
export class Lanes extends Columns {
  /** Oldest entry, applied ones whose end is not stored yet included. */
  head: Int32Array = new Int32Array(0);
  tail: Int32Array = new Int32Array(0);
  /** The next entry to apply, or none. */
  cursor: Int32Array = new Int32Array(0);
  /** Entries from the cursor on. */
  active: Int32Array = new Int32Array(0);
  state: Uint8Array = new Uint8Array(0);
  #hash: Float64Array = new Float64Array(0);
  readonly #byHash = new HashIndex((lane) => this.#hash[lane] as number);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  find(hash: number): number {
    return this.#byHash.find(hash);
  }

  hashOf(lane: number): number {
    return this.#hash[lane] as number;
  }

  findOrAdd(hash: number): number {
    const found = this.#byHash.find(hash);
    if (found !== NONE) return found;
    const lane = this.take();
    this.#hash[lane] = hash;
    this.head[lane] = NONE;
    this.tail[lane] = NONE;
    this.cursor[lane] = NONE;
    this.active[lane] = 0;
    this.state[lane] = 0;
    this.#byHash.add(lane);
    this.#size += 1;
    return lane;
  }

  remove(lane: number): void {
    this.#byHash.remove(lane);
    this.#size -= 1;
    this.give(lane);
  }

  protected override resize(capacity: number): void {
    this.head = grownInts(this.head, capacity);
    this.tail = grownInts(this.tail, capacity);
    this.cursor = grownInts(this.cursor, capacity);
    this.active = grownInts(this.active, capacity);
    this.state = grownBytes(this.state, capacity);
    this.#hash = grown(this.#hash, capacity);
  }
}
