const SMALLEST_MS = 0.01;
const GROWTH = 1.12;
const BUCKETS = 160;

/** Durations in buckets that each end 12 % above the one before, so a percentile is right to 12 % and memory is bounded. */
export class Latencies {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(durationMs: number): void {
    const bucket = Math.ceil(Math.log(Math.max(durationMs, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
    const index = Math.min(bucket, BUCKETS - 1);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** The upper bound of the bucket that the quantile lies in, in milliseconds; null without any duration. */
  quantile(q: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let seen = 0;
    for (const [index, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return round(SMALLEST_MS * GROWTH ** index);
    }
    return null;
  }

  include(other: Latencies): void {
    for (const [index, count] of other.#counts.entries()) this.#counts[index] = (this.#counts[index] ?? 0) + count;
    this.#count += other.#count;
  }
}

/** Three figures are all that 12 % can mean. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
