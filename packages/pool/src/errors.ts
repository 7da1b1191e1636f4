import type { PoolState } from "./state.ts";

/**
 * - `ACQUIRE_TIMEOUT`: no connection within the caller's time.
 * - `POOL_FULL`: `maxWaiting` callers wait already, or the pool is overloaded and sheds those that waited longest.
 * - `POOL_CLOSED`: `close()` or `drain()` was called.
 * - `POOL_UNAVAILABLE`: nothing to connect to; `retryAfterMs` until the next dial.
 * - `CREATE_FAILED`: a permanent error, which waiting cannot cure; it is the `cause`.
 * - `LEASE_RELEASED`: use of a lease after its end.
 */
export type PoolErrorCode =
  | "ACQUIRE_TIMEOUT"
  | "POOL_FULL"
  | "POOL_CLOSED"
  | "POOL_UNAVAILABLE"
  | "CREATE_FAILED"
  | "LEASE_RELEASED";

/** A lease that is out. */
export interface Holder {
  /** As given to `acquire`. */
  readonly label: string | undefined;
  readonly ageMs: number;
  /** Where it was acquired, if `leakStackRatio` chose it. */
  readonly stack: string | undefined;
}

/** What a caller that came away empty-handed was waiting for. */
export type WaitPhase =
  /** A connection that others hold. */
  | "release"
  /** A connection that is being made. */
  | "create"
  /** A connection that is being validated or reset. */
  | "check"
  /** The end of an outage. */
  | "outage"
  /** `resume()`. */
  | "suspended";

/** The pool at the moment of an error. */
export interface PoolFacts {
  /** Its name. */
  readonly pool: string;
  /** What the caller called its acquire. */
  readonly label: string | undefined;
  /** What it waited for. */
  readonly phase: WaitPhase;
  /** How long it waited, in milliseconds. */
  readonly waitedMs: number;
  readonly state: PoolState["name"];
  readonly size: number;
  readonly max: number;
  readonly inUse: number;
  readonly idle: number;
  readonly creating: number;
  readonly waiting: number;
  /** What the last attempt to connect failed with, while none has succeeded since. */
  readonly lastFailure: unknown;
  /** The three that hold theirs longest. */
  readonly oldestHolders: readonly Holder[];
  /** Leases that the caller itself holds, as far as `use()` or `lease.run()` told. More than none can be a deadlock. */
  readonly holding: number;
  /** How many of those who wait hold a lease already. */
  readonly waitingHolders: number;
}

interface More {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly facts?: PoolFacts;
  readonly cause?: unknown;
}

const brand = Symbol.for("@db/pool/error");

/** The only error that a pool makes. A signal's reason, and what `use(fn)` throws, come back as they are. */
export class PoolError extends Error {
  override readonly name = "PoolError";
  readonly code: PoolErrorCode;
  /** Whether trying again later can help. */
  readonly retryable: boolean;
  /** Until the next attempt to connect; given for `POOL_UNAVAILABLE`. */
  readonly retryAfterMs: number | undefined;
  /** Given whenever a caller had to go without a connection. */
  readonly facts: PoolFacts | undefined;

  constructor(code: PoolErrorCode, message: string, more: More = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.retryable = more.retryable ?? false;
    this.retryAfterMs = more.retryAfterMs;
    this.facts = more.facts;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Works across two copies of this package, which `instanceof` does not. */
export function isPoolError(error: unknown): error is PoolError {
  return typeof error === "object" && error !== null && brand in error;
}

/** The sentence that says why. Holds no text of foreign errors, which may name credentials. */
export function explain(what: string, facts: PoolFacts): string {
  const parts = [
    `${facts.inUse} of ${facts.max} in use`,
    `${facts.idle} idle`,
    `${facts.creating} being created`,
    `${facts.waiting} waiting`,
  ];
  let message = `${what}, waiting for ${WAITED_FOR[facts.phase]}: ${parts.join(", ")}`;
  if (facts.holding > 0) message += `; this caller already holds ${facts.holding}, which can be a deadlock`;
  else if (facts.waitingHolders > 0) message += `; ${facts.waitingHolders} of those waiting already hold one`;
  if (facts.oldestHolders.length > 0) message += `; held longest by ${facts.oldestHolders.map(name).join(", ")}`;
  if (facts.lastFailure !== undefined) message += `; the last attempt to connect failed (see cause)`;
  return message;
}

const WAITED_FOR: Readonly<Record<WaitPhase, string>> = {
  release: "a connection to come back",
  create: "a connection to be made",
  check: "a connection to be checked",
  outage: "the end of an outage",
  suspended: "resume()",
};

function name({ label, ageMs }: Holder): string {
  return `${label === undefined ? "(no label)" : `"${label}"`} for ${Math.round(ageMs)} ms`;
}
