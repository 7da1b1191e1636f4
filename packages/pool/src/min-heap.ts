/** Numbers of which the smallest is always at hand. */
export class MinHeap {
  #items: number[] = [];

  get smallest(): number | undefined {
    return this.#items[0];
  }

  add(item: number): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent] as number;
      if (above <= item) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  /** Other numbers in place of those that were there. */
  replace(items: Iterable<number>): void {
    // Sorted is a heap too.
    this.#items = [...items].sort((a, b) => a - b);
  }

  removeSmallest(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && (items[child + 1] as number) < (items[child] as number)) child += 1;
      const below = items[child] as number;
      if (below >= last) break;
      items[index] = below;
      index = child;
    }
    items[index] = last;
  }
}
