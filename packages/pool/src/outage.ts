const FIRST_MS = 25;
const SHORT_OUTAGE_CAP_MS = 250;
/** A permanent error is not looked at again sooner. */
const PERMANENT_MS = 5_000;
const SHARE_OF_OUTAGE = 0.25;
/** A failure so soon after a recovery says that it was none. */
export const RELAPSE_MS = 1_000;

/**
 * When and how many to dial. After a failure one prober alone: 25 ms doubling, the upper half of it at random, no longer
 * than a quarter of the outage so far (a short outage ends with a short wait), never less than 250 ms as a limit nor more
 * than `maxBackoffMs`. After the recovery 1, then 2, then 4 at a time, so that the database is not met by the crowd that its absence
 * gathered.
 */
export class Outage {
  readonly #concurrency: number;
  readonly #maxBackoffMs: number;
  #since: number | undefined;
  /** As `#since`, relapses included: what the pauses depend on. */
  #began = 0;
  #relapsed = false;
  #provesUntil = 0;
  #attempts = 0;
  #nextAttemptAt = 0;
  #limit: number;
  #recoveredAt = Number.NEGATIVE_INFINITY;

  constructor(concurrency: number, maxBackoffMs: number) {
    this.#concurrency = concurrency;
    this.#maxBackoffMs = maxBackoffMs;
    this.#limit = concurrency;
  }

  /** The start of the failure, undefined while the last attempt was a success. */
  get since(): number | undefined {
    return this.#since;
  }

  /** The end of the last outage. Attempts from before it may hang until their timeout, and say nothing of what came after. */
  get recoveredAt(): number {
    return this.#recoveredAt;
  }

  /** After a relapse: until when the first new connection has time to prove itself before others are made. */
  get provesUntil(): number {
    return this.#provesUntil;
  }

  get nextAttemptAt(): number {
    return this.#nextAttemptAt;
  }

  /** How many attempts may be under way at the same time. */
  get limit(): number {
    return this.#since === undefined ? this.#limit : 1;
  }

  /** An attempt that began before the outage was known tells nothing new: only the prober makes the pause longer. */
  failed(startedAt: number, now: number, permanent: boolean): void {
    if (this.#since === undefined) {
      if (startedAt < this.#recoveredAt) return;
      this.#relapsed = now - this.#recoveredAt < RELAPSE_MS;
      if (!this.#relapsed) {
        this.#began = now;
        this.#attempts = 0;
      }
      this.#since = now;
    } else if (startedAt < this.#since) return;
    const share = Math.max(SHORT_OUTAGE_CAP_MS, SHARE_OF_OUTAGE * (now - this.#began));
    const delay = permanent
      ? Math.max(PERMANENT_MS, this.#maxBackoffMs)
      : Math.min(this.#maxBackoffMs, share, FIRST_MS * 2 ** Math.min(this.#attempts, 20));
    this.#attempts += 1;
    this.#nextAttemptAt = now + delay * (0.5 + Math.random() / 2);
  }

  succeeded(now: number): void {
    if (this.#since !== undefined) {
      this.#since = undefined;
      this.#recoveredAt = now;
      this.#limit = 1;
      this.#provesUntil = this.#relapsed ? now + RELAPSE_MS : now;
    } else if (this.#limit < this.#concurrency) this.#limit = Math.min(this.#limit * 2, this.#concurrency);
  }

  /** What failed is of no interest any more; the next attempts begin as after a recovery. */
  forget(): void {
    if (this.#since === undefined) return;
    this.#since = undefined;
    this.#limit = 1;
    this.#provesUntil = 0;
  }
}
