const SLOTS = 10;

/** Sums over the recent past, of several kinds: a ring of slots, so that forgetting costs nothing for each event. */
export class SlidingWindow {
  readonly #slotMs: number;
  readonly #slots: readonly number[][];
  readonly #totals: number[];
  /** Of the clock, not of the ring. */
  #slot = 0;

  /** @param kinds how many; they are named by number from 0 */
  constructor(windowMs: number, kinds: number) {
    this.#slotMs = windowMs / SLOTS;
    this.#slots = Array.from({ length: kinds }, () => new Array<number>(SLOTS).fill(0));
    this.#totals = new Array<number>(kinds).fill(0);
  }

  /** Moves to the present, which the other methods take for granted, and names its slot. */
  advance(): number {
    const slot = Math.floor(performance.now() / this.#slotMs);
    // A clock that tests replaced may stand before the one it replaces: nothing then is recent.
    if (slot < this.#slot || slot >= this.#slot + SLOTS) {
      this.clear();
      this.#slot = slot;
    }
    while (this.#slot < slot) {
      this.#slot += 1;
      for (const [kind, slots] of this.#slots.entries()) this.#change(slots, kind, -(slots[this.#slot % SLOTS] ?? 0));
    }
    return slot;
  }

  /** @param slot of when it was; what the window has moved past is left out. Default: now. */
  add(kind: number, amount: number, slot: number = this.#slot): void {
    const slots = this.#slots[kind];
    if (slots !== undefined && slot > this.#slot - SLOTS && slot <= this.#slot) this.#change(slots, kind, amount, slot);
  }

  total(kind: number): number {
    return this.#totals[kind] ?? 0;
  }

  clear(): void {
    for (const slots of this.#slots) slots.fill(0);
    this.#totals.fill(0);
  }

  #change(slots: number[], kind: number, amount: number, slot: number = this.#slot): void {
    slots[slot % SLOTS] = (slots[slot % SLOTS] ?? 0) + amount;
    this.#totals[kind] = this.total(kind) + amount;
  }
}
