import type { RejectReason } from "./channels.ts";

/**
 * - `detached`: no database service has its layer.
 * - `waiting`: there is something to apply, and no connection, or a pause after an error.
 * - `draining`: writes are being applied.
 * - `idle`: nothing to apply.
 * - `failed`: the store is gone for good; what was acknowledged is there when the queue is opened again.
 */
export type QueueState = "detached" | "waiting" | "draining" | "idle" | "paused" | "failed" | "closed";

/** A snapshot. Counts down to `etaMs` are of now, those from `enqueued` on since `open`. */
export interface QueueStats {
  readonly name: string;
  readonly state: QueueState;
  readonly durability: "fsync" | "os" | "memory";
  /** All entries that are held, dead letters included. */
  readonly pending: number;
  readonly bytes: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Records that have entries. */
  readonly lanes: number;
  /** Being applied at this moment. */
  readonly inFlight: number;
  readonly dead: number;
  /** Behind a dead letter of the same record. */
  readonly parked: number;
  /** Of the oldest entry; 0 when there is none. */
  readonly oldestAgeMs: number;
  /** Applied per second, over the last ten. */
  readonly ratePerSecond: number;
  /** Until all that can be applied is, at this rate; undefined while nothing moves. */
  readonly etaMs: number | undefined;
  readonly enqueued: number;
  readonly acked: number;
  readonly rejected: Readonly<Record<RejectReason, number>>;
  readonly deadLettered: number;
  readonly redriven: number;
  readonly discarded: number;
  readonly commits: number;
  /** Entries whose bytes were not what was written. */
  readonly damaged: number;
  /** Errors that no caller is told of; each is published on `db:queue:error`. */
  readonly errors: number;
}

/** What only ever grows. */
export class Counters {
  enqueued = 0;
  acked = 0;
  deadLettered = 0;
  redriven = 0;
  discarded = 0;
  commits = 0;
  damaged = 0;
  errors = 0;
  readonly rejected: Record<RejectReason, number> = {
    full: 0,
    too_large: 0,
    aborted: 0,
    storage: 0,
    unavailable: 0,
    closed: 0,
  };
}

const SECONDS = 10;

/** Events per second, over the last ten seconds. */
export class RateMeter {
  readonly #counts = new Array<number>(SECONDS).fill(0);
  #second = Math.floor(performance.now() / 1_000);

  count(): void {
    this.#advance();
    const at = this.#second % SECONDS;
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  perSecond(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  #advance(): void {
    const now = Math.floor(performance.now() / 1_000);
    for (let passed = Math.min(now - this.#second, SECONDS); passed > 0; passed -= 1) {
      this.#counts[(now - passed + 1) % SECONDS] = 0;
    }
    this.#second = now;
  }
}
