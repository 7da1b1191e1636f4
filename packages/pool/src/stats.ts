import type { CloseReason } from "./channels.ts";
import type { PoolState } from "./state.ts";

/** A snapshot. The counts of `size`, `creating` and `waiting` are of now, those from `acquired` on since the start. */
export interface PoolStats {
  /** That of the option `name`. */
  readonly name: string;
  /** See `PoolState`. */
  readonly state: PoolState["name"];
  /** Connections that are kept in any case. */
  readonly min: number;
  /** Connections that there may be. */
  readonly max: number;
  /** `idle + inUse + checking`. */
  readonly size: number;
  /** Ready to be lent. */
  readonly idle: number;
  /** Lent. */
  readonly inUse: number;
  /** Being validated or reset. */
  readonly checking: number;
  /** Being made; they count against `max`. */
  readonly creating: number;
  /** Closed, with their `destroy` not done yet. They do not count as `size`. */
  readonly destroying: number;
  /** Callers in line. */
  readonly waiting: number;
  /** Between `suspend()` and `resume()`. */
  readonly suspended: boolean;
  /** Leases given. */
  readonly acquired: number;
  /** Those of `acquired` that had to wait, and for how long in all. */
  readonly waited: number;
  /** Milliseconds that those waited, in sum. */
  readonly waitedMs: number;
  /** Callers whose time was up. */
  readonly timeouts: number;
  /** Refused with POOL_FULL, `shed` included. */
  readonly refused: number;
  /** Refused by `shed`. */
  readonly shed: number;
  /** Left the line by their own signal. */
  readonly aborted: number;
  /** Leases that were out for longer than `leakWarnMs`. */
  readonly leaks: number;
  /** Connections made. */
  readonly created: number;
  /** Attempts to connect that failed. */
  readonly createFailures: number;
  /** Errors that no caller is told of; each is published on `db:pool:error`. */
  readonly backgroundErrors: number;
  /** Connections closed, by reason. */
  readonly closed: Readonly<Record<CloseReason, number>>;
}

/** What only ever grows. */
export class Counters {
  acquired = 0;
  waited = 0;
  waitedMs = 0;
  timeouts = 0;
  refused = 0;
  shed = 0;
  aborted = 0;
  leaks = 0;
  created = 0;
  createFailures = 0;
  backgroundErrors = 0;
  readonly closed: Record<CloseReason, number> = {
    idle: 0,
    max_lifetime: 0,
    error: 0,
    validation: 0,
    reset: 0,
    evicted: 0,
    surplus: 0,
    closed: 0,
    leaked: 0,
  };
}
