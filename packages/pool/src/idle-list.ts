import type { Slot } from "./slot.ts";

/** The idle ones in the order of their last use. Adding the newest and removing any is O(1). */
export class IdleList<T> {
  oldest: Slot<T> | undefined;
  newest: Slot<T> | undefined;
  size = 0;

  add(slot: Slot<T>): void {
    this.#addAfter(slot, this.newest);
  }

  /** Puts one back that was only checked: that is no use, so it keeps its place. */
  restore(slot: Slot<T>): void {
    let before = this.newest;
    while (before !== undefined && before.idleSince > slot.idleSince) before = before.older;
    this.#addAfter(slot, before);
  }

  remove(slot: Slot<T>): void {
    const { older, newer } = slot;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    slot.older = undefined;
    slot.newer = undefined;
    this.size -= 1;
  }

  #addAfter(slot: Slot<T>, older: Slot<T> | undefined): void {
    const newer = older === undefined ? this.oldest : older.newer;
    slot.older = older;
    slot.newer = newer;
    if (older === undefined) this.oldest = slot;
    else older.newer = slot;
    if (newer === undefined) this.newest = slot;
    else newer.older = slot;
    this.size += 1;
  }
}
