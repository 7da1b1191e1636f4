import type { Holder, PoolFacts, WaitPhase } from "./errors.ts";
import type { Slot } from "./slot.ts";
import type { Stock } from "./stock.ts";

const OLDEST = 3;

export function holderOf<T>(slot: Slot<T>, now: number): Holder {
  return { label: slot.label, ageMs: now - slot.takenAt, stack: slot.stack };
}

/** Leases that are out, the longest first. */
export function holdersOf<T>(stock: Stock<T>, now: number): readonly Holder[] {
  const leased = [...stock.slots].filter((slot) => slot.state === "leased").sort((a, b) => a.takenAt - b.takenAt);
  return leased.map((slot) => holderOf(slot, now));
}

/** The same for all who leave in one turn: putting it together for each of 20,000 would block the event loop. */
export type SharedFacts = Omit<PoolFacts, "label" | "phase" | "waitedMs" | "holding">;

export function sharedFacts<T>(
  stock: Stock<T>,
  more: Pick<PoolFacts, "pool" | "state" | "max" | "creating" | "waiting" | "waitingHolders" | "lastFailure">,
  now: number,
): SharedFacts {
  const oldestHolders = holdersOf(stock, now).slice(0, OLDEST);
  return { ...more, size: stock.size, inUse: stock.leased, idle: stock.idle.size, oldestHolders };
}

/** What a caller is waiting for at this moment. */
export function phaseOf(
  facts: SharedFacts,
  { suspended, checking }: { readonly suspended: boolean; readonly checking: number },
): WaitPhase {
  if (suspended) return "suspended";
  if (facts.state === "failed") return "outage";
  if (checking > 0) return "check";
  return facts.creating > 0 ? "create" : "release";
}
