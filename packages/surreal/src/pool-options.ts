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
   * Statements that may share a message, 1..64. Default 1: each has its own. With more, calls on one record that leave in
   * the same turn of the event loop go together: each is still a transaction with an answer of its own, but the server
   * carries them out one after the other. That spares a server whose processors are busy most of its work; where
   * statements wait, for other machines or in functions of the schema, they would wait for one another. Answers of one
   * message count together for `maxMessageBytes`. For `ws` and `wss`.
   */
  readonly perMessage?: number;
  /**
   * How many statements' worth of connections to keep, used or not: 0..`maxSockets` × `perSocket`. Default 1, so that the
   * state of the connection is known without a call.
   */
  readonly min?: number;
}

const OWN = ["maxSockets", "perSocket", "perMessage", "min"];
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
export function readPoolTuning(url: URL, tuning: PoolTuning = {}): PoolTuning {
  if (!isPlainObject(tuning)) throw expected("surreal: pool", "an object", tuning);
  checkKeys("surreal: pool", tuning, [...OWN, ...PASSED]);
  const read = { ...tuning };
  const sizes = sizesOf(read);
  checkInteger("surreal: pool.maxSockets", sizes.maxSockets, 1, 1_000);
  checkInteger("surreal: pool.perSocket", sizes.perSocket, 1, 1_000);
  checkInteger("surreal: pool.perMessage", sizes.perMessage, 1, 64);
  if (sizes.perMessage > 1 && !url.protocol.startsWith("ws"))
    throw new TypeError(`surreal: pool.perMessage: expected only with ws or wss, got ${url.protocol.slice(0, -1)}`);
  checkInteger("surreal: pool.min", sizes.min, 0, sizes.maxSockets * sizes.perSocket);
  return read;
}

export function sizesOf({
  maxSockets = 4,
  perSocket = 32,
  perMessage = 1,
  min = 1,
}: PoolTuning): Required<Pick<PoolTuning, "maxSockets" | "perSocket" | "perMessage" | "min">> {
  return { maxSockets, perSocket, perMessage, min };
}

export function passedOf(tuning: PoolTuning): Passed {
  return Object.fromEntries(Object.entries(tuning).filter(([option]) => PASSED.includes(option)));
}
