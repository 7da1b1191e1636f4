import { checkInteger, checkKeys, expected, isPlainObject } from "@db/core";
import type { PoolOptions } from "@db/pool";

/** What of the pool a service may tune; each is documented there. */
type Passed = Pick<
  PoolOptions<never>,
  | "acquireTimeoutMs"
  | "idleTimeoutMs"
  | "maxLifetimeMs"
  | "healthCheckIntervalMs"
  | "leakWarnMs"
  | "maxWaiting"
  | "shed"
  | "leakStackRatio"
>;

/** How many connections. In flight at most are `maxSockets` × `perSocket` statements. */
export interface PoolTuning extends Passed {
  /** Sockets at most, 1..1,000. Default 4. One is filled before the next is dialled. */
  readonly maxSockets?: number;
  /** Statements in flight on one socket at most, 1..1,000. Default 32. */
  readonly perSocket?: number;
  /**
   * How many statements' worth of connections to keep, used or not: 0..`maxSockets` × `perSocket`. Default 1, so that the
   * state of the connection is known without a call.
   */
  readonly min?: number;
}

const OWN = ["maxSockets", "perSocket", "min"];
const PASSED = [
  "acquireTimeoutMs",
  "idleTimeoutMs",
  "maxLifetimeMs",
  "healthCheckIntervalMs",
  "leakWarnMs",
  "maxWaiting",
  "shed",
  "leakStackRatio",
];

/** The pool checks its own. @throws TypeError for an option that is unknown or wrong */
export function readPoolTuning(tuning: PoolTuning = {}): PoolTuning {
  if (!isPlainObject(tuning)) throw expected("surreal: pool", "an object", tuning);
  checkKeys("surreal: pool", tuning, [...OWN, ...PASSED]);
  const read = { ...tuning };
  const sizes = sizesOf(read);
  checkInteger("surreal: pool.maxSockets", sizes.maxSockets, 1, 1_000);
  checkInteger("surreal: pool.perSocket", sizes.perSocket, 1, 1_000);
  checkInteger("surreal: pool.min", sizes.min, 0, sizes.maxSockets * sizes.perSocket);
  return read;
}

export function sizesOf({
  maxSockets = 4,
  perSocket = 32,
  min = 1,
}: PoolTuning): Required<Pick<PoolTuning, "maxSockets" | "perSocket" | "min">> {
  return { maxSockets, perSocket, min };
}

export function passedOf(tuning: PoolTuning): Passed {
  return Object.fromEntries(Object.entries(tuning).filter(([option]) => PASSED.includes(option)));
}
