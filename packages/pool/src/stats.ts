import type { CloseReason } from "./channels.ts";
import type { PoolState } from "./state.ts";

/** A snapshot. The counts of `size`, `creating` and `waiting` are of now, those from `acquired` on since the start. */
export interface PoolStats {
  readonly name: string;
  readonly state: PoolState["name"];
  readonly min: number;
  readonly max: number;
  /** `idle + inUse + checking`. */
  readonly size: number;
  readonly idle: number;
  readonly inUse: number;
  /** Being validated or reset. */
  readonly checking: number;
  readonly creating: number;
  /** Closed, with their `destroy` not done yet. They do not count as `size`. */
  readonly destroying: number;
  readonly waiting: number;
  readonly suspended: boolean;
  readonly acquired: number;
  /** Those of `acquired` that had to wait, and for how long in all. */
  readonly waited: number;
  readonly waitedMs: number;
  readonly timeouts: number;
  /** Refused with POOL_FULL, `shed` included. */
  readonly refused: number;
  readonly shed: number;
  /** Left the line by their own signal. */
  readonly aborted: number;
  readonly leaks: number;
  readonly created: number;
  readonly createFailures: number;
  /** Errors that no caller is told of; each is published on `db:pool:error`. */
  readonly backgroundErrors: number;
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
