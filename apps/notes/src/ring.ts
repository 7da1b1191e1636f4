/** The newest of many, the oldest first. */
export class Ring<T> {
  readonly #capacity: number;
  #items: T[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    this.#items.push(item);
    // Cut by halves: shifting a long array once a second would copy it each time.
    if (this.#items.length >= 2 * this.#capacity) this.#items = this.#items.slice(-this.#capacity);
  }

  toArray(): readonly T[] {
    return this.#items.slice(-this.#capacity);
  }
}
