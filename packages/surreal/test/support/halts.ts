const TICK_MS = 20;

/** For how long this process stood still, which no driver can do anything about: what it promises is for one that runs. */
export class Halts implements Disposable {
  #total = 0;
  #tickedAt: number = performance.now();
  readonly #ticking: NodeJS.Timeout;

  constructor() {
    this.#ticking = setInterval(() => {
      this.#total = this.totalMs;
      this.#tickedAt = performance.now();
    }, TICK_MS).unref();
  }

  /** So far, one included that ends just now and whose tick is still to come. */
  get totalMs(): number {
    return this.#total + Math.max(0, performance.now() - this.#tickedAt - 2 * TICK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticking);
  }
}
