import { Deadline } from "./deadlines.ts";
import type { Lease } from "./lease.ts";

/** Who is told when a waiter leaves the line by itself. */
interface Desk<T> {
  expired(waiter: Waiter<T>, now: number): void;
  aborted(waiter: Waiter<T>): void;
}

/** What a waiter came with. */
export interface Request {
  readonly label: string | undefined;
  /** Where it came from, if that is to be known. */
  readonly stack: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether to leave the line when the state turns `failed`. */
  readonly failsAway: boolean;
  /** Leases that the caller holds already. */
  readonly holding: number;
}

/** A caller without a connection. It never owns one before the hand-over, so leaving the line can lose none. */
export class Waiter<T> extends Deadline {
  readonly request: Request;
  readonly queuedAt: number;
  readonly resolve: (lease: Lease<T>) => void;
  readonly reject: (error: unknown) => void;
  readonly #desk: Desk<T>;
  ahead: Waiter<T> | undefined;
  behind: Waiter<T> | undefined;

  constructor(
    desk: Desk<T>,
    request: Request,
    now: number,
    resolve: (lease: Lease<T>) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.#desk = desk;
    this.request = request;
    this.queuedAt = now;
    this.resolve = resolve;
    this.reject = reject;
  }

  override expire(now: number): void {
    this.#desk.expired(this, now);
  }

  /** Of the caller's signal: the waiter is its own listener, which saves a closure for each. */
  handleEvent(): void {
    this.#desk.aborted(this);
  }
}

/** First come, first served. Joining and leaving is O(1) from any place. */
export class WaitLine<T> {
  first: Waiter<T> | undefined;
  last: Waiter<T> | undefined;
  size = 0;
  /** How many of them hold a lease already. */
  holders = 0;

  add(waiter: Waiter<T>): void {
    waiter.ahead = this.last;
    if (this.last === undefined) this.first = waiter;
    else this.last.behind = waiter;
    this.last = waiter;
    this.size += 1;
    if (waiter.request.holding > 0) this.holders += 1;
  }

  remove(waiter: Waiter<T>): void {
    const { ahead, behind } = waiter;
    if (ahead === undefined) this.first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.last = ahead;
    else behind.ahead = ahead;
    waiter.ahead = undefined;
    waiter.behind = undefined;
    this.size -= 1;
    if (waiter.request.holding > 0) this.holders -= 1;
  }
}
