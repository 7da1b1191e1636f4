/** What the engine is working on. Closing it under way can abort the process (SDK 2.0.8), so closing waits. */
export class Busy {
  #count = 0;
  #onIdle: (() => void)[] = [];
  readonly #whole: Busy | undefined;

  /** @param whole what this is a part of */
  constructor(whole?: Busy) {
    this.#whole = whole;
  }

  async track<T>(start: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await (this.#whole === undefined ? start() : this.#whole.track(start));
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const notify of this.#onIdle.splice(0)) notify();
    }
  }

  get count(): number {
    return this.#count;
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }
}
