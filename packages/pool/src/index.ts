export {
  type AcquireEvent,
  type BackgroundErrorEvent,
  type BackgroundPhase,
  CHANNELS,
  type ClosedEvent,
  type CloseReason,
  type CreatedEvent,
  type LeakEvent,
  type PoolStateEvent,
  type ReleaseEvent,
  type TimeoutEvent,
  type WaitEvent,
} from "./channels.ts";
export type { ConnectionView } from "./connection-view.ts";
export { type Holder, isPoolError, PoolError, type PoolErrorCode, type PoolFacts, type WaitPhase } from "./errors.ts";
export type { Lease } from "./lease.ts";
export type { CreateContext, ErrorClass, PoolHooks, PoolOptions } from "./options.ts";
export {
  type AcquireOptions,
  type CloseOptions,
  type CloseReport,
  ConnectionPool,
  type StartOptions,
} from "./pool.ts";
export { type LivePool, livePools } from "./registry.ts";
export type { ShedOptions } from "./shedding.ts";
export type { PoolState, StateListener } from "./state.ts";
export type { PoolStats } from "./stats.ts";
