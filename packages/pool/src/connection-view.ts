import type { Slot } from "./slot.ts";

/** One connection of a pool, for people who look. */
export interface ConnectionView {
  /** `checking`: it is being validated or reset. */
  readonly state: "idle" | "leased" | "checking";
  /** Since it was made, in milliseconds. */
  readonly ageMs: number;
  /** Since its last use began, or ended where it is idle, in milliseconds. */
  readonly sinceMs: number;
  /** Of the lease that is out. */
  readonly label: string | undefined;
}

export function viewOf<T>(slot: Slot<T>, now: number): ConnectionView {
  const { bornAt, idleSince, takenAt, label } = slot;
  const isLeased = slot.state === "leased";
  const state = isLeased ? "leased" : slot.state === "idle" ? "idle" : "checking";
  return {
    state,
    ageMs: now - bornAt,
    sinceMs: now - (isLeased ? takenAt : idleSince),
    label: isLeased ? label : undefined,
  };
}
