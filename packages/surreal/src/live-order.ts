import type { LiveChange } from "@db/core";

/** How long a change waits for those that were made before it and arrive after it. */
const WINDOW_MS = 20;
const MAX_WAITING = 10_000;
/** Records whose last change is remembered: twice this many at most. */
const MAX_REMEMBERED = 5_000;

interface Waiting {
  readonly stamp: bigint;
  readonly arrivedAt: number;
  readonly change: LiveChange;
}

/**
 * Puts changes back in the order in which they were made. Engine 3.0.2 hands out notifications in any order: of 2,001 updates
 * of one record, each awaited before the next, up to 426 came after a later one. One that comes even later than the window,
 * behind a newer change of its record, is not handed on: it becomes a gap.
 */
export class LiveOrder {
  readonly #deliver: (change: LiveChange) => void;
  readonly #onStraggler: () => void;
  /** By stamp. */
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #recent = new Map<string, bigint>();
  #before = new Map<string, bigint>();

  constructor(deliver: (change: LiveChange) => void, onStraggler: () => void) {
    this.#deliver = deliver;
    this.#onStraggler = onStraggler;
  }

  add(stamp: bigint, change: LiveChange): void {
    const last = this.#recent.get(change.id) ?? this.#before.get(change.id);
    if (last !== undefined && last > stamp) {
      this.#onStraggler();
      return;
    }
    const place = this.#waiting.findLastIndex((other) => other.stamp <= stamp) + 1;
    this.#waiting.splice(place, 0, { stamp, arrivedAt: performance.now(), change });
    if (this.#waiting.length > MAX_WAITING) this.flush();
    else this.#timer ??= setTimeout(() => this.#tick(), WINDOW_MS).unref();
  }

  /** Hands on all that waits. */
  flush(): void {
    this.#handOn(this.#waiting.length);
  }

  /** Hands on nothing of what waits. Whoever reads anew may see it, so what was made before it is not handed on either. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { stamp, change } of this.#waiting.splice(0)) this.#remember(change.id, stamp);
  }

  #tick(): void {
    this.#timer = undefined;
    const due = performance.now() - WINDOW_MS;
    // What was made before one that is due is due as well.
    this.#handOn(this.#waiting.findLastIndex(({ arrivedAt }) => arrivedAt <= due) + 1);
    const next = Math.min(...this.#waiting.map(({ arrivedAt }) => arrivedAt));
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#tick(), Math.max(1, next - due)).unref();
  }

  #handOn(count: number): void {
    for (const { stamp, change } of this.#waiting.splice(0, count)) {
      this.#remember(change.id, stamp);
      this.#deliver(change);
    }
  }

  #remember(id: string, stamp: bigint): void {
    if (this.#recent.size >= MAX_REMEMBERED) {
      this.#before = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(id, stamp);
  }
}
