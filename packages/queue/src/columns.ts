/** Columns of a table in typed arrays, which grow together: a row of objects would take ten times the memory. */
export abstract class Columns {
  #capacity = 0;
  #used = 0;
  #free: number[] = [];

  /** Grows every column. */
  protected abstract resize(capacity: number): void;

  /** The number of a row that is free. */
  protected take(): number {
    const row = this.#free.pop();
    if (row !== undefined) return row;
    if (this.#used === this.#capacity) {
      this.#capacity = Math.max(64, this.#capacity * 2);
      this.resize(this.#capacity);
    }
    this.#used += 1;
    return this.#used - 1;
  }

  protected give(row: number): void {
    this.#free.push(row);
    // After a long outage: what was taken for a million entries is not kept for none.
    if (this.#free.length === this.#used) {
      this.#free = [];
      this.#used = 0;
      this.#capacity = 64;
      this.resize(this.#capacity);
    }
  }
}

export function grown(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(capacity);
  copy.set(column.subarray(0, capacity));
  return copy;
}

export function grownInts(column: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(capacity);
  copy.set(column.subarray(0, capacity));
  return copy;
}

export function grownBytes(column: Uint8Array, capacity: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(capacity);
  copy.set(column.subarray(0, capacity));
  return copy;
}
