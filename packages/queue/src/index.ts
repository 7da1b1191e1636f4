export {
  type AckEvent,
  CHANNELS,
  type CommitEvent,
  type DeadEvent,
  type DiscardEvent,
  type DrainEvent,
  type EnqueueEvent,
  type QueueErrorEvent,
  type QueuePhase,
  type RedriveEvent,
  type RejectEvent,
  type RejectReason,
} from "./channels.ts";
export type { Codec } from "./codec.ts";
export type { DeadLetter, DeadLetterOptions } from "./dead-letters.ts";
export type { Inspection } from "./inspect.ts";
export type { Receipt } from "./intake.ts";
export { json } from "./json.ts";
export { MemoryStore } from "./memory-store.ts";
export type { Durability, WriteQueueOptions } from "./options.ts";
export { type LiveQueue, liveQueues } from "./registry.ts";
export type { LockHolder } from "./sqlite-lock.ts";
export type { QueueState, QueueStats } from "./stats.ts";
export type { HeadChunk, OpenedStore, OutcomeRow, QueueStore, StoreBatch } from "./store.ts";
export type { QueuedWrite, StoredWrite } from "./stored-write.ts";
export type { ExportOptions, ImportReport } from "./transfer.ts";
export { type EnqueueOptions, type Outcome, WriteQueue } from "./write-queue.ts";
