import { type Channel, channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Holder, PoolError } from "./errors.ts";
import type { PoolState } from "./state.ts";

/**
 * The channels of `node:diagnostics_channel` that a pool publishes on. Names and payloads are public, and cost nothing
 * without a subscriber. A payload always names the pool, and never holds a connection.
 */
export const CHANNELS = {
  /** A tracing channel: one acquire, from the call to the lease or the error. Payload: `AcquireEvent`. */
  acquire: "db:pool:acquire",
  /** A caller who had to wait got a connection. Payload: `WaitEvent`. */
  wait: "db:pool:wait",
  /** A lease has ended. Payload: `ReleaseEvent`. */
  release: "db:pool:release",
  /** Payload: `CreatedEvent`. */
  created: "db:pool:created",
  /** Payload: `ClosedEvent`. */
  closed: "db:pool:closed",
  /** A caller whose time was up. Payload: `TimeoutEvent`. */
  timeout: "db:pool:timeout",
  /** A lease that is out for longer than `leakWarnMs`, or still out at the deadline of `close()`. Payload: `LeakEvent`. */
  leak: "db:pool:leak",
  /** An error that no caller is told of. Payload: `BackgroundErrorEvent`. */
  error: "db:pool:error",
  /** Payload: `PoolStateEvent`. */
  state: "db:pool:state",
} as const;

/** One acquire. */
export interface AcquireEvent {
  readonly pool: string;
  readonly label: string | undefined;
}

/** A caller who had to wait has got a connection. */
export interface WaitEvent {
  readonly pool: string;
  /** In milliseconds, from the call to the lease. */
  readonly waitedMs: number;
}

/** A lease has ended. */
export interface ReleaseEvent {
  readonly pool: string;
  /** From the hand-over to its end. */
  readonly usedMs: number;
}

/** A connection was made. */
export interface CreatedEvent {
  readonly pool: string;
  /** What `create` took. */
  readonly durationMs: number;
}

/** Why a connection was closed. */
export type CloseReason =
  | "idle"
  | "max_lifetime"
  /** `destroy()`, or an error that `classify` calls broken. */
  | "error"
  /** `validate` said no, threw or took too long. */
  | "validation"
  /** `reset` threw or took too long. */
  | "reset"
  /** `evictAll()`. */
  | "evicted"
  /** More of them than `max` after a `resize()`, or made too late to be of use. */
  | "surplus"
  | "closed"
  /** Still out at the deadline of `close()`. */
  | "leaked";

/** A connection was closed. */
export interface ClosedEvent {
  readonly pool: string;
  readonly reason: CloseReason;
  /** Its age, in milliseconds. */
  readonly lifetimeMs: number;
}

/** A caller's time was up. */
export interface TimeoutEvent {
  readonly pool: string;
  readonly error: PoolError;
}

/** A lease is out for too long. */
export interface LeakEvent extends Holder {
  readonly pool: string;
}

/** An error that no caller is told of. */
export interface BackgroundErrorEvent {
  readonly pool: string;
  readonly phase: BackgroundPhase;
  readonly error: unknown;
}

/** Whose error it was: a hook's, that of a connection which died by itself, or that of a listener to states. */
export type BackgroundPhase = "create" | "destroy" | "validate" | "reset" | "classify" | "lost" | "listener";

/** The pool has another state. */
export interface PoolStateEvent {
  readonly pool: string;
  readonly from: PoolState["name"];
  readonly to: PoolState;
}

/** Node puts the result of what it traces on the event; a lease is for nobody but its caller. */
export class TracedAcquire implements AcquireEvent {
  readonly pool: string;
  readonly label: string | undefined;

  constructor(pool: string, label: string | undefined) {
    this.pool = pool;
    this.label = label;
  }

  get result(): undefined {
    return undefined;
  }

  set result(_: unknown) {}
}

export const acquires: TracingChannel<object> = tracingChannel(CHANNELS.acquire);
const waits = channel(CHANNELS.wait);
const releases = channel(CHANNELS.release);
const created = channel(CHANNELS.created);
const closed = channel(CHANNELS.closed);
const timeouts = channel(CHANNELS.timeout);
const leaks = channel(CHANNELS.leak);
const errors = channel(CHANNELS.error);
const states = channel(CHANNELS.state);

/** On the way of every call that waits, and of every release: nothing is built while nobody listens. */
export function publishWait(pool: string, waitedMs: number): void {
  if (waits.hasSubscribers) waits.publish({ pool, waitedMs } satisfies WaitEvent);
}

export function publishRelease(pool: string, usedMs: number): void {
  if (releases.hasSubscribers) releases.publish({ pool, usedMs } satisfies ReleaseEvent);
}

export const publishCreated: (event: CreatedEvent) => void = (event) => publish(created, event);
export const publishClosed: (event: ClosedEvent) => void = (event) => publish(closed, event);
export const publishTimeout: (event: TimeoutEvent) => void = (event) => publish(timeouts, event);
export const publishLeak: (event: LeakEvent) => void = (event) => publish(leaks, event);
export const publishError: (event: BackgroundErrorEvent) => void = (event) => publish(errors, event);
export const publishState: (event: PoolStateEvent) => void = (event) => publish(states, event);

function publish(to: Channel, event: object): void {
  if (to.hasSubscribers) to.publish(event);
}
