import type { CloseReason } from "./channels.ts";
import type { Lease } from "./lease.ts";

/**
 * - `idle`: in the idle list.
 * - `leased`: a caller has it.
 * - `busy`: it is being validated or reset.
 * - `gone`: out of the pool; whatever is still under way for it no longer counts.
 */
type SlotState = "idle" | "leased" | "busy" | "gone";

/** What a lease tells its pool. */
export interface LeaseOwner<T> {
  giveBack(slot: Slot<T>, error: unknown): void;
  discard(slot: Slot<T>, error: unknown): void;
}

/** One connection in the pool. All times are on the `performance.now()` scale. */
export class Slot<T> {
  readonly value: T;
  readonly owner: LeaseOwner<T>;
  readonly bornAt: number;
  readonly expiresAt: number;
  /** Jittered, so that those born together are not pinged together. */
  readonly keepaliveMs: number;
  state: SlotState = "busy";
  idleSince: number;
  /** When it was made, or last answered a check. */
  provenAt: number;
  /** Until when an idle one is handed out without a second look. */
  freshUntil = 0;
  /** To be looked at when it comes back: it is `doomed` or `suspect`, or there are too many. */
  flawed = false;
  /** Whether it turned out dead: while it is out, that may be told more than once. */
  dead = false;
  /** To be closed when it comes back. */
  doomed: CloseReason | undefined;
  /** To be validated before its next use: another connection of its age broke. */
  suspect = false;
  /** Its check takes so long that nobody should count on it. */
  stalled = false;

  takenAt = 0;
  /** When its last check, or reset, began. */
  checkedAt = 0;
  /** When it last came back with an error, which says nothing of life. */
  failedAt = 0;
  label: string | undefined;
  stack: string | undefined;
  lease: Lease<T> | undefined;
  reportedAsLeak = false;

  older: Slot<T> | undefined;
  newer: Slot<T> | undefined;

  constructor(value: T, owner: LeaseOwner<T>, now: number, expiresAt: number, keepaliveMs: number) {
    this.value = value;
    this.owner = owner;
    this.bornAt = now;
    this.idleSince = now;
    this.provenAt = now;
    this.expiresAt = expiresAt;
    this.keepaliveMs = keepaliveMs;
  }

  /** When it last showed life: it was made, it answered, or it came back without an error. */
  get aliveAt(): number {
    return this.idleSince > this.provenAt && this.idleSince !== this.failedAt ? this.idleSince : this.provenAt;
  }

  doom(reason: CloseReason): void {
    this.flawed = true;
    this.doomed ??= reason;
  }

  doubt(): void {
    this.flawed = true;
    this.suspect = true;
  }
}
