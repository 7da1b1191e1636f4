export { type AttemptTimeoutOptions, attemptTimeout } from "./attempt-timeout.ts";
export { type BulkCreateOptions, type BulkItem, type BulkOutcome, bulkCreate } from "./bulk-create.ts";
export { CHANNELS, type OperationEvent, type StateEvent } from "./channels.ts";
export { type ConcurrentOptions, mapConcurrent } from "./concurrent.ts";
export type { CallContext, ContextChange, InnerLimits, Scope } from "./context.ts";
export type { Cursor } from "./cursor.ts";
export { createDatabase, type DatabaseOptions } from "./database.ts";
export { type DriverParts, defineDriver } from "./define-driver.ts";
export type { Capabilities, ConnectionState, Driver, DriverTarget, DriverTransaction, DriverView } from "./driver.ts";
export {
  type DatabaseError,
  DatabaseErrorOf,
  type Effect,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type ErrorFacts,
  type Issue,
  invalid,
  isDatabaseError,
  isOperationReused,
  operationReused,
  toDatabaseError,
  unsupported,
  withEffect,
} from "./errors.ts";
export {
  and,
  type Comparison,
  contains,
  eq,
  type Filter,
  gt,
  gte,
  isIn,
  lt,
  lte,
  ne,
  not,
  or,
  type Path,
} from "./filter.ts";
export type { DatabaseHealth } from "./health.ts";
export { interrupted, untilInterrupted } from "./interrupt.ts";
export type { Layer, LayerHost } from "./layer.ts";
export type { LiveChange, LiveEvent, LiveOptions, LiveQuery, LiveResync } from "./live.ts";
export { LiveChannel } from "./live-channel.ts";
export { type LiveDatabase, liveDatabases } from "./live-databases.ts";
export { type Logger, type LogLayerOptions, logLayer } from "./log-layer.ts";
export { isEqual, matchesFilter } from "./match.ts";
export {
  dispatch,
  type Execute,
  type Handlers,
  isWrite,
  type Kind,
  type Operation,
  type OperationOf,
  type Operations,
  override,
  type ResultOf,
  type StatementKind,
  seen,
  type UpdateMode,
  type WriteKind,
  type WriteResult,
} from "./operation.ts";
export { checkDuration, checkInteger, checkKeys, describe, expected, MAX_TIMER_MS } from "./options.ts";
export { type Direction, type OrderKey, type Position, RANK, type Rank, valueAt } from "./order.ts";
export { type Problem, type ProblemField, toProblem } from "./problem.ts";
export { DEFAULT_LIMIT, MAX_LIMIT, type Page, type PlannedQuery, planQuery, type Query } from "./query.ts";
export {
  formatRecordId,
  MAX_KEY_LENGTH,
  newOperationId,
  newRecordId,
  parseRecordId,
  type RecordId,
} from "./record-id.ts";
export { rowAfter } from "./row-after.ts";
export { type RunCallOptions, runCall } from "./run-call.ts";
export { pageOf, selectPage } from "./select.ts";
export type {
  CallOptions,
  CreateOptions,
  DatabaseService,
  DeleteOptions,
  QueryOptions,
  ScopedService,
  Statements,
  TransactionOptions,
  UpdateOptions,
  WriteOptions,
} from "./service.ts";
export { ConnectionStatus } from "./status.ts";
export { type StreamOptions, stream } from "./stream.ts";
export { type TimeoutOptions, withTimeout } from "./timeout.ts";
export {
  type AdapterValues,
  addNumbers,
  checkValue,
  classOf,
  copyValue,
  equalValues,
  type Fields,
  getField,
  isPlainObject,
  type Patch,
  type Row,
  setField,
  type Value,
  type ValueClass,
} from "./value.ts";
export {
  type VersionCheck,
  VersionChecker,
  type VersionCheckerOptions,
  type VersionVerdict,
} from "./version-checker.ts";
