const EMPTY = -1;

/**
 * Finds rows of a table by a number of theirs. Open addressing with linear probing, four bytes a slot: a `Map` takes ten
 * times as much. The table itself holds the keys.
 */
export class HashIndex {
  #slots: Int32Array;
  #size = 0;
  readonly #keyOf: (row: number) => number;

  /** @param keyOf the key of a row; must not change while the row is in */
  constructor(keyOf: (row: number) => number) {
    this.#keyOf = keyOf;
    this.#slots = emptySlots(16);
  }

  /** The first row of this key, or -1. */
  find(key: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = key & mask; ; at = (at + 1) & mask) {
      const row = slots[at] as number;
      if (row === EMPTY || this.#keyOf(row) === key) return row;
    }
  }

  add(row: number): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    this.#place(row);
    this.#size += 1;
  }

  remove(row: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#keyOf(row) & mask;
    while (slots[hole] !== row) {
      if (slots[hole] === EMPTY) return;
      hole = (hole + 1) & mask;
    }
    this.#size -= 1;
    // What was pushed on by the row that goes moves back, so that no probe ends too early (Knuth, TAOCP 3, 6.4, R).
    for (let at = (hole + 1) & mask; slots[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#keyOf(slots[at] as number) & mask;
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        slots[hole] = slots[at] as number;
        hole = at;
      }
    }
    slots[hole] = EMPTY;
  }

  #place(row: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = this.#keyOf(row) & mask;
    while (slots[at] !== EMPTY) at = (at + 1) & mask;
    slots[at] = row;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = emptySlots(old.length * 2);
    for (const row of old) if (row !== EMPTY) this.#place(row);
  }
}

function emptySlots(length: number): Int32Array {
  return new Int32Array(length).fill(EMPTY);
}
