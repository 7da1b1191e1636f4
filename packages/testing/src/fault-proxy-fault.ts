import { checkInteger, checkKeys, expected, MAX_TIMER_MS } from "@db/core";

/** Which bytes: what the client sends, what the target answers, or both. */
export type FaultDirection = "both" | "requests" | "answers";

/**
 * What goes wrong on the wire.
 *
 * - `up`: nothing. Every byte is passed on as it comes.
 * - `slow`: bytes arrive `latencyMs` later, each way, and `jitterMs` more or less (drawn evenly, order is kept); and at most
 *   `bytesPerSecond` of them. Default 0, 0 and no limit. A round trip takes twice the latency.
 * - `black-hole`: connections open and stay open, and no byte and no end of a connection gets through; what was held is
 *   passed on once the fault is lifted, as TCP would send it again. One `direction` alone makes the connection half-open:
 *   with `answers` requests are carried out and nobody hears of it.
 * - `reset`: connections end with RST: those that are open at once, new ones as soon as they are accepted.
 * - `refuse`: the port is closed, new connections get ECONNREFUSED; those that are open end with RST, as when the process
 *   behind the port dies.
 * - `cut`: once `afterBytes` bytes (0 or more, counted for each connection from this moment) have passed in `direction`, the
 *   connection ends, in the middle of whatever that was.
 */
export type Fault =
  | { readonly kind: "up" | "reset" | "refuse" }
  | {
      readonly kind: "slow";
      readonly latencyMs?: number;
      readonly jitterMs?: number;
      readonly bytesPerSecond?: number;
      readonly direction?: FaultDirection;
    }
  | { readonly kind: "black-hole"; readonly direction?: FaultDirection }
  | { readonly kind: "cut"; readonly afterBytes: number; readonly direction?: FaultDirection };

/** A fault that needs no numbers can be told by its name alone. */
export type FaultName = Exclude<Fault["kind"], "slow" | "cut">;

const OPTIONS: { readonly [K in Fault["kind"]]: readonly string[] } = {
  up: [],
  slow: ["latencyMs", "jitterMs", "bytesPerSecond", "direction"],
  "black-hole": ["direction"],
  reset: [],
  refuse: [],
  cut: ["afterBytes", "direction"],
};
const DIRECTIONS: readonly unknown[] = [undefined, "both", "requests", "answers"];

/** @throws TypeError */
export function checkFault(fault: Fault | FaultName): Fault {
  const checked = (typeof fault === "string" ? { kind: fault } : fault) as Fault;
  if (typeof checked !== "object" || checked === null || !Object.hasOwn(OPTIONS, checked.kind)) {
    const got = typeof checked === "object" && checked !== null ? checked.kind : checked;
    throw new TypeError(`fault: expected one of ${Object.keys(OPTIONS).join(", ")}, got ${String(got)}`);
  }
  checkKeys(`fault ${checked.kind}`, checked, ["kind", ...OPTIONS[checked.kind]]);
  const { direction } = checked as { readonly direction?: unknown };
  if (!DIRECTIONS.includes(direction)) throw expected("direction", '"both", "requests" or "answers"', direction);
  if (checked.kind === "cut") checkInteger("afterBytes", checked.afterBytes, 0, Number.MAX_SAFE_INTEGER);
  if (checked.kind === "slow") checkSlow(checked);
  return checked;
}

function checkSlow({ latencyMs = 0, jitterMs = 0, bytesPerSecond = 1 }: Fault & { readonly kind: "slow" }): void {
  checkRange("latencyMs", latencyMs, 0, MAX_TIMER_MS / 2);
  checkRange("jitterMs", jitterMs, 0, latencyMs);
  checkRange("bytesPerSecond", bytesPerSecond, 1, Number.MAX_SAFE_INTEGER);
}

function checkRange(option: string, value: unknown, min: number, max: number): void {
  if (typeof value !== "number" || !(value >= min && value <= max)) {
    throw expected(option, `a number in ${min}..${max}`, value);
  }
}

export function affects(fault: { readonly direction?: FaultDirection }, direction: "requests" | "answers"): boolean {
  return fault.direction === undefined || fault.direction === "both" || fault.direction === direction;
}
