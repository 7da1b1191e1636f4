const TICK_MS = 20;
/** A timer that is so late has waited for the machine, not for its turn. */
const LATE_MS = 100;

/**
 * For how long this process itself did not run: its machine may pause, and what was there in time is then seen late. A
 * service that is late while its machine runs on is not excused by it.
 */
export class Standstill implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #aliveAt = performance.now();
  #totalMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.totalMs, TICK_MS).unref();
  }

  /** In milliseconds, since it was made. */
  get totalMs(): number {
    const now = performance.now();
    const missedMs = now - this.#aliveAt - TICK_MS;
    this.#aliveAt = now;
    if (missedMs > LATE_MS) this.#totalMs += missedMs;
    return this.#totalMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
