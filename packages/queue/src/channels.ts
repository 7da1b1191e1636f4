import { type Channel, channel, type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { ErrorCode, WriteKind } from "@db/core";

/**
 * The channels of `node:diagnostics_channel` that a queue publishes on. Names and payloads are public, and cost nothing
 * without a subscriber. A payload always names the queue, and never holds a value or a record id.
 */
export const CHANNELS = {
  /** A write is stored. Payload: `EnqueueEvent`. */
  enqueue: "db:queue:enqueue",
  /** A write is applied to the database. Payload: `AckEvent`. */
  ack: "db:queue:ack",
  /** A write was not taken. Payload: `RejectEvent`. */
  reject: "db:queue:reject",
  /** A write became a dead letter. Payload: `DeadEvent`. */
  dead: "db:queue:dead",
  /** Payload: `RedriveEvent`. */
  redrive: "db:queue:redrive",
  /** Payload: `DiscardEvent`. */
  discard: "db:queue:discard",
  /** One group commit of the store. Payload: `CommitEvent`. */
  commit: "db:queue:commit",
  /** A tracing channel: one stretch of replay, until nothing is left or an outage ends it. Payload: `DrainEvent`. */
  drain: "db:queue:drain",
  /** An error that no caller is told of. Payload: `QueueErrorEvent`. */
  error: "db:queue:error",
} as const;

export interface EnqueueEvent {
  readonly queue: string;
  readonly kind: WriteKind;
  readonly collection: string;
  readonly operationId: string;
  readonly bytes: number;
  /** From the call until it was durable. */
  readonly durationMs: number;
}

export interface AckEvent {
  readonly queue: string;
  readonly kind: WriteKind;
  readonly collection: string;
  readonly operationId: string;
  /** That counted, this one included. */
  readonly attempts: number;
  /** From being queued to being applied. */
  readonly waitedMs: number;
}

/** Why a write was not taken. `unavailable`: the outage has passed its limit, or nothing has ever been connected. */
export type RejectReason = "full" | "too_large" | "aborted" | "storage" | "unavailable" | "closed";

export interface RejectEvent {
  readonly queue: string;
  readonly reason: RejectReason;
}

export interface DeadEvent {
  readonly queue: string;
  /** Undefined where the entry cannot be read. */
  readonly kind: WriteKind | undefined;
  readonly collection: string | undefined;
  readonly operationId: string | undefined;
  readonly code: ErrorCode;
  readonly attempts: number;
}

export interface RedriveEvent {
  readonly queue: string;
  readonly operationId: string | undefined;
}

export interface DiscardEvent {
  readonly queue: string;
  readonly operationId: string | undefined;
  readonly reason: string;
}

export interface CommitEvent {
  readonly queue: string;
  readonly appended: number;
  readonly removed: number;
  /** Of the new entries. */
  readonly bytes: number;
  readonly durationMs: number;
}

export interface DrainEvent {
  readonly queue: string;
  /** Entries at its start. */
  readonly pending: number;
}

/** What was being done. `store`: the store is gone for good. */
export type QueuePhase = "store" | "commit" | "read" | "replay" | "tidy" | "close";

export interface QueueErrorEvent {
  readonly queue: string;
  readonly phase: QueuePhase;
  readonly error: unknown;
}

export const channels: Readonly<Record<Exclude<keyof typeof CHANNELS, "drain">, Channel>> = {
  enqueue: channel(CHANNELS.enqueue),
  ack: channel(CHANNELS.ack),
  reject: channel(CHANNELS.reject),
  dead: channel(CHANNELS.dead),
  redrive: channel(CHANNELS.redrive),
  discard: channel(CHANNELS.discard),
  commit: channel(CHANNELS.commit),
  error: channel(CHANNELS.error),
};
export const drains: TracingChannel<object> = tracingChannel(CHANNELS.drain);
