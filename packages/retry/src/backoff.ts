import { draw, JITTERS, type Jitter } from "./jitter.ts";
import { checkFunction, checkKeys, checkNumber, expected, MAX_TIMER_MS } from "./options.ts";

/** How long to wait between attempts. Each duration is in milliseconds. */
export interface BackoffOptions {
  /** The first delay before jitter, in milliseconds, 0..2147483647. Default 1,000. */
  readonly baseMs?: number;
  /** What each delay is multiplied by for the next, 1..1,000,000. Default 2. For every kind of jitter. */
  readonly factor?: number;
  /**
   * The longest delay before additive jitter, in milliseconds, `baseMs` or more, also `Infinity`. Default 60,000. Held
   * down so that with its jitter a timer can hold it.
   */
  readonly capMs?: number;
  /** Default `additive`: one supervisor that dials a service should leave it some time between attempts. */
  readonly jitter?: Jitter;
  /** For `additive` alone: what is added at most, in milliseconds. Default 1,000. */
  readonly jitterMs?: number;
}

/**
 * The delay in milliseconds after an attempt that failed.
 *
 * @param attempt which one failed, 1 for the first
 * @param previousMs the delay before it, 0 for none; only `decorrelated` looks at it
 * @param random gives numbers in 0..1
 */
export type Delay = (attempt: number, previousMs: number, random: () => number) => number;

export const BACKOFF_KEYS: readonly string[] = ["baseMs", "factor", "capMs", "jitter", "jitterMs"];

/**
 * The delays as a pure function. Each is in 0..`capMs`, plus `jitterMs` where that is added, whatever the attempt: also
 * the 10,000th is a number that a timer can hold.
 * @throws TypeError for an option that is unknown or wrong
 */
export function exponentialDelay(options: BackoffOptions = {}): Delay {
  checkKeys("backoff", options, BACKOFF_KEYS);
  const { jitter = "additive" } = options;
  if (!JITTERS.includes(jitter)) throw expected("jitter", `one of ${JITTERS.join(", ")}`, jitter);
  if (jitter !== "additive" && options.jitterMs !== undefined) {
    throw expected("jitterMs", `nothing beside the jitter ${jitter}`, options.jitterMs);
  }
  const baseMs = checkNumber("baseMs", options.baseMs ?? 1_000, 0, MAX_TIMER_MS);
  const factor = checkNumber("factor", options.factor ?? 2, 1, 1_000_000);
  const addedMs = jitter === "additive" ? checkNumber("jitterMs", options.jitterMs ?? 1_000, 0, MAX_TIMER_MS) : 0;
  const asked = checkNumber("capMs", options.capMs ?? 60_000, baseMs, Number.POSITIVE_INFINITY);
  const capMs = Math.min(asked, MAX_TIMER_MS - addedMs);
  if (jitter === "decorrelated" && !(factor > 1 && capMs > baseMs && baseMs > 0)) {
    throw new TypeError("jitter: expected a factor above 1 and capMs above baseMs above 0 for decorrelated");
  }

  const exponential = (attempt: number): number =>
    attempt > 1 && baseMs > 0
      ? Math.min(capMs, baseMs * factor ** Math.min(attempt - 1, Number.MAX_SAFE_INTEGER))
      : Math.min(capMs, baseMs);
  switch (jitter) {
    case "none":
      return exponential;
    case "additive":
      return (attempt, _previousMs, random) => Math.min(exponential(attempt) + draw(random) * addedMs, MAX_TIMER_MS);
    case "full":
      return (attempt, _previousMs, random) => exponential(attempt) * draw(random);
    case "equal":
      return (attempt, _previousMs, random) => exponential(attempt) * (0.5 + draw(random) / 2);
    case "decorrelated": {
      // 3 for the factor 2, as in the simulator; for any factor the first delay is baseMs × factor on average.
      const reach = 2 * factor - 1;
      return (_attempt, previousMs, random) => {
        const ceiling = Math.min(capMs, reach * Math.max(previousMs || 0, baseMs));
        return Math.min(baseMs + (ceiling - baseMs) * draw(random), ceiling);
      };
    }
  }
}

/** What `ExponentialBackoff` takes. */
export interface ExponentialBackoffOptions extends BackoffOptions {
  /** Gives numbers in 0..1. Default `Math.random`, looked up at each call. */
  readonly random?: () => number;
}

/** Counts attempts and says how long to wait after each: for loops of your own, such as a supervisor of a connection. */
export class ExponentialBackoff {
  readonly #delay: Delay;
  readonly #random: () => number;
  #attempt = 0;
  #previousMs = 0;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: ExponentialBackoffOptions = {}) {
    checkKeys("ExponentialBackoff", options, [...BACKOFF_KEYS, "random"]);
    const { random, ...backoff } = options;
    this.#random = checkFunction("random", random) ?? (() => Math.random());
    this.#delay = exponentialDelay(backoff);
  }

  /** How many delays were given since the construction or the last `reset()`. */
  get attempt(): number {
    return this.#attempt;
  }

  /** How long to wait now, in milliseconds. */
  nextDelay(): number {
    this.#attempt += 1;
    this.#previousMs = this.#delay(this.#attempt, this.#previousMs, this.#random);
    return this.#previousMs;
  }

  /** After a success: the next delay is the first again. */
  reset(): void {
    this.#attempt = 0;
    this.#previousMs = 0;
  }
}
