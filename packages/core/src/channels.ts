import { channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { ConnectionState, DriverTarget } from "./driver.ts";
import type { DatabaseError } from "./errors.ts";
import type { Operation } from "./operation.ts";

/** The channels of `node:diagnostics_channel` that this package publishes on. Names and payloads are public. */
export const CHANNELS = {
  /** A tracing channel: one logical call, with all its attempts. Payload: `OperationEvent`. */
  operation: "db:operation",
  /** Payload: `StateEvent`. */
  state: "db:state",
  /** A rollback that failed; the transaction's own error went to its caller. Payload: `{ error }`. */
  rollbackFailed: "db:transaction:rollback-failed",
} as const;

/**
 * Facts of a call. Never values: `text` is the query as written, with its parameters unbound, and of the result only a
 * number is kept. Node adds `error`, which the caller gets.
 */
export interface OperationEvent {
  /** The driver's name. */
  readonly driver: string;
  readonly target: DriverTarget | undefined;
  /** What it ran in: that of its scope, else of the driver's target. */
  readonly namespace: string | undefined;
  readonly kind: Operation["kind"];
  readonly collection: string | undefined;
  /** Made when first read. */
  readonly operationId: string;
  readonly text: string | undefined;
  /** On the `performance.now()` scale. */
  readonly startedAt: number;
  /** How many rows came back; undefined before the end and for what gives none. */
  readonly rows: number | undefined;
}

/** A driver's connection has another state. */
export interface StateEvent {
  readonly driver: string;
  readonly target: DriverTarget | undefined;
  readonly from: ConnectionState["name"];
  readonly to: ConnectionState;
}

const operations: TracingChannel<object> = tracingChannel(CHANNELS.operation);
const states = channel(CHANNELS.state);
const rollbackFailures = channel(CHANNELS.rollbackFailed);

/** Whether to build an event at all. */
export function isTraced(): boolean {
  return operations.hasSubscribers;
}

export function traceOperation<T>(event: OperationEvent, run: () => Promise<T>): Promise<T> {
  return operations.tracePromise(run, event);
}

export function publishState(event: StateEvent): void {
  if (states.hasSubscribers) states.publish(event);
}

export function publishRollbackFailure(error: DatabaseError): void {
  if (rollbackFailures.hasSubscribers) rollbackFailures.publish({ error });
}
