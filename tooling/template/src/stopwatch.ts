import { readOptions, type StopwatchOptions } from "./options.ts";

/** Measures from its construction on, by the monotonic clock: a change of the system's time does not disturb it. */
export class Stopwatch {
  readonly #limitMs: number;
  // Read at call time, so that tests can replace the clock.
  readonly #startedAt: number = performance.now();

  /** @throws TypeError for an unknown option or a value outside its bounds */
  constructor(options: StopwatchOptions = {}) {
    this.#limitMs = readOptions(options).limitMs;
  }

  elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** What is left of `limitMs`; 0 once it has passed. */
  remainingMs(): number {
    return Math.max(0, this.#limitMs - this.elapsedMs());
  }
}
