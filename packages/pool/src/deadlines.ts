import { MinHeap } from "./min-heap.ts";
import { neutral } from "./neutral.ts";
import { MAX_TIMER_MS } from "./options.ts";

/** What waits for its time. The links belong to its bucket: an entry is in one bucket at most. */
export abstract class Deadline {
  bucket: Bucket | undefined;
  before: Deadline | undefined;
  after: Deadline | undefined;
  /** Called once, at or after its time, when the entry is no longer in a bucket. Must not throw. */
  abstract expire(now: number): void;
}

/** All that is due in the same millisecond. */
interface Bucket {
  readonly at: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
}

/** How long one turn of the event loop may be spent on what is due; the rest waits for the next turn. */
const SLICE_MS = 4;
/** The clock is read once for this many entries. */
const SLICE_ENTRIES = 64;
/** So many buckets may be empty without a look at whether they are too many. */
const SPARE_BUCKETS = 64;

/**
 * One timer for any number of deadlines: buckets of a millisecond, a heap of the buckets' times. Adding and removing is
 * O(1) but for the first entry of a bucket, whatever mixture of durations there is; the pair `setTimeout` and
 * `clearTimeout` costs several times a whole acquire. The timer is not cleared when entries go: it fires, finds the next
 * that is due and arms itself again. Empty buckets are kept, since the next entry often is for the same millisecond, until
 * they are more than the others. Source of the idea: Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.
 */
export class Deadlines {
  readonly #keepsAlive: boolean;
  readonly #buckets = new Map<number, Bucket>();
  readonly #times = new MinHeap();
  #size = 0;
  #empty = 0;
  #expiring = false;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  /** @param keepsAlive whether an entry that waits keeps the process alive */
  constructor(keepsAlive: boolean) {
    this.#keepsAlive = keepsAlive;
  }

  /** `at` is on the `performance.now()` scale; an entry never expires before it. */
  add(entry: Deadline, at: number, now: number): void {
    const key = Math.ceil(at);
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { at: key, first: undefined, last: undefined };
      this.#buckets.set(key, bucket);
      this.#times.add(key);
    } else if (bucket.first === undefined) this.#empty -= 1;
    entry.bucket = bucket;
    entry.before = bucket.last;
    if (bucket.last === undefined) bucket.first = entry;
    else bucket.last.after = entry;
    bucket.last = entry;
    this.#size += 1;
    if (key < this.#armedFor) this.#arm(key, now);
    else if (this.#size === 1 && this.#keepsAlive) this.#timer?.ref();
  }

  /** Nothing happens when the entry waits no longer. */
  remove(entry: Deadline): void {
    const { bucket, before, after } = entry;
    if (bucket === undefined) return;
    if (before === undefined) bucket.first = after;
    else before.after = after;
    if (after === undefined) bucket.last = before;
    else after.before = before;
    entry.bucket = undefined;
    entry.before = undefined;
    entry.after = undefined;
    this.#size -= 1;
    if (this.#size === 0 && this.#keepsAlive) this.#timer?.unref();
    if (bucket.first !== undefined) return;
    this.#empty += 1;
    if (this.#empty > SPARE_BUCKETS && 2 * this.#empty > this.#buckets.size && !this.#expiring) this.#dropEmpty();
  }

  /** A share of the cost falls to each bucket that was emptied since the last time, and no more. */
  #dropEmpty(): void {
    for (const { at, first } of this.#buckets.values()) if (first === undefined) this.#buckets.delete(at);
    this.#times.replace(this.#buckets.keys());
    this.#empty = 0;
  }

  #arm(at: number, now: number): void {
    clearTimeout(this.#timer);
    this.#armedFor = at;
    const delayMs = Math.min(Math.max(1, Math.ceil(at - now)), MAX_TIMER_MS);
    this.#timer = neutral(() => setTimeout(() => this.#fire(), delayMs));
    if (!this.#keepsAlive || this.#size === 0) this.#timer.unref();
  }

  #fire(): void {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = performance.now();
    this.#expiring = true;
    const next = this.#expireDue(now);
    this.#expiring = false;
    if (next < this.#armedFor) this.#arm(next, now);
  }

  /** When to come back: the time of the first bucket that is left. Empty ones go on the way. */
  #expireDue(now: number): number {
    let expired = 0;
    for (;;) {
      const at = this.#times.smallest;
      if (at === undefined) return Number.POSITIVE_INFINITY;
      const bucket = this.#buckets.get(at);
      if (bucket?.first !== undefined && at > now) return at;
      for (let entry = bucket?.first; entry !== undefined; entry = bucket?.first) {
        this.remove(entry);
        entry.expire(now);
        expired += 1;
        if (expired % SLICE_ENTRIES === 0 && performance.now() - now > SLICE_MS) return now;
      }
      this.#times.removeSmallest();
      this.#buckets.delete(at);
      this.#empty -= 1;
    }
  }
}
