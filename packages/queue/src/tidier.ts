import type { QueueStore } from "./store.ts";

const TIDY_INTERVAL_MS = 10_000;

/**
 * Has the store give space back once nothing is left to do, at most every ten seconds: a queue that is filled and emptied all
 * the time needs its file. Nothing is lost by a file that stays larger than it must.
 */
export class Tidier {
  readonly #store: QueueStore;
  readonly #isDue: () => boolean;
  readonly #report: (error: unknown) => void;
  #at = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: QueueStore, isDue: () => boolean, report: (error: unknown) => void) {
    this.#store = store;
    this.#isDue = isDue;
    this.#report = report;
  }

  /** Now, or when the last time is long enough ago. */
  soon(): void {
    if (this.#timer !== undefined) return;
    const run = (): void => {
      this.#timer = undefined;
      this.#at = performance.now();
      if (this.#isDue()) this.#store.tidy().catch(this.#report);
    };
    const waitMs = this.#at + TIDY_INTERVAL_MS - performance.now();
    if (waitMs <= 0) run();
    else this.#timer = setTimeout(run, waitMs).unref();
  }

  /** The last time. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#isDue()) await this.#store.tidy().catch(this.#report);
  }
}
