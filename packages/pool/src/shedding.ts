/** Controlled delay for a line of waiters. */
export interface ShedOptions {
  /** The wait that is fine when it lasts. Default 50. */
  readonly targetMs?: number;
  /** How long even the shortest wait must be above the target before anybody is refused. Default 1,000. */
  readonly intervalMs?: number;
}

/**
 * Tells a burst, which a line is for, from an overload, which no line can hold: when even the shortest wait of an interval
 * was above the target, those who have waited more than twice the target are refused. The others get their connection while
 * they still have use for it. Source: Nichols and Jacobson, "Controlling Queue Delay" (CoDel, 2012), as Elixir's
 * DBConnection applies it to a pool.
 */
export class Shedding {
  readonly #targetMs: number;
  readonly #intervalMs: number;
  #shortestMs = 0;
  #until = 0;
  #overloaded = false;

  constructor({ targetMs = 50, intervalMs = 1_000 }: ShedOptions) {
    this.#targetMs = targetMs;
    this.#intervalMs = intervalMs;
  }

  /** Whether to refuse the one at the head of the line, who has waited so long. */
  refuses(waitedMs: number, now: number): boolean {
    if (now >= this.#until) {
      // An interval in which nobody waited tells nothing of the one before it.
      this.#overloaded = now < this.#until + this.#intervalMs && this.#shortestMs > this.#targetMs;
      this.#shortestMs = waitedMs;
      this.#until = now + this.#intervalMs;
    } else if (waitedMs < this.#shortestMs) this.#shortestMs = waitedMs;
    return this.#overloaded && waitedMs > 2 * this.#targetMs;
  }

  /** A connection came free and nobody wanted it. */
  rest(): void {
    this.#shortestMs = 0;
  }

  /** After an outage all have waited, and none of them for want of capacity. */
  forget(): void {
    this.#until = 0;
    this.#overloaded = false;
  }
}
