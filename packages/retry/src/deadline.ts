import { MAX_TIMER_MS } from "./options.ts";

/** What waits for its deadline. The links are the list's own: an entry is in one list at most. */
export abstract class DeadlineEntry {
  /** On the `performance.now()` scale; set when the entry is added. */
  deadline: number = Number.POSITIVE_INFINITY;
  list: DeadlineList | undefined;
  before: DeadlineEntry | undefined;
  after: DeadlineEntry | undefined;
  /** Called once, at or after the deadline, when the entry is no longer in the list. */
  abstract expire(): void;
}

/** Entries of one duration: those that come later expire later, so appending keeps them in order. */
interface DeadlineList {
  readonly durationMs: number;
  first: DeadlineEntry | undefined;
  last: DeadlineEntry | undefined;
}

/** More lists than a service has durations; from here on empty ones are thrown away. */
const MANY_LISTS = 32;

/**
 * One timer for any number of deadlines: setting and clearing one of Node's costs 20 times a bare await, adding to and
 * taking from these lists next to nothing. Source of the idea: the timer lists by duration of libuv's users (Varghese
 * and Lauck, "Hashed and hierarchical timing wheels", 1987, scheme 2, one list per duration).
 *
 * The timer is never cleared when a call ends: it fires, finds nothing due and arms itself for the next. It keeps the
 * process alive only while something waits.
 */
export class DeadlineTimer {
  readonly #lists = new Map<number, DeadlineList>();
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Number.POSITIVE_INFINITY;
  /** Tests replace the clock: a timer of the one before may never fire, and its times mean nothing now. */
  #armedWith: typeof setTimeout | undefined;

  add(entry: DeadlineEntry, durationMs: number): void {
    const now = performance.now();
    let list = this.#lists.get(durationMs);
    if (list === undefined) {
      list = { durationMs, first: undefined, last: undefined };
      this.#lists.set(durationMs, list);
    }
    entry.deadline = now + durationMs;
    entry.list = list;
    entry.before = list.last;
    if (list.last === undefined) list.first = entry;
    else list.last.after = entry;
    list.last = entry;
    this.#size += 1;
    if (entry.deadline < this.#armedFor || this.#armedWith !== setTimeout)
      this.#arm(entry.deadline - now, entry.deadline);
    else if (this.#size === 1) this.#timer?.ref();
  }

  remove(entry: DeadlineEntry): void {
    const { list, before, after } = entry;
    if (list === undefined) return;
    if (before === undefined) list.first = after;
    else before.after = after;
    if (after === undefined) list.last = before;
    else after.before = before;
    entry.list = undefined;
    entry.before = undefined;
    entry.after = undefined;
    this.#size -= 1;
    if (this.#size === 0) this.#timer?.unref();
    if (list.first === undefined && this.#lists.size > MANY_LISTS) this.#lists.delete(list.durationMs);
  }

  #arm(delayMs: number, deadline: number): void {
    if (this.#armedWith === setTimeout) clearTimeout(this.#timer);
    else this.#timer?.unref();
    this.#armedWith = setTimeout;
    this.#armedFor = deadline;
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(1, Math.ceil(delayMs)), MAX_TIMER_MS));
  }

  #fire(): void {
    this.#timer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const list of [...this.#lists.values()]) {
      let entry = list.first;
      while (entry !== undefined && entry.deadline <= now) {
        this.remove(entry);
        entry.expire();
        entry = list.first;
      }
      if (entry !== undefined && entry.deadline < next) next = entry.deadline;
    }
    if (next < this.#armedFor) this.#arm(next - now, next);
  }
}

/** One for the process: a policy of its own for every call would leave a timer behind with each. */
export const deadlines: DeadlineTimer = new DeadlineTimer();
