export type { MockCall, MockCallKind } from "./call-log.ts";
export { describeDriver } from "./conformance.ts";
export type { ConformanceOptions, OwnValue, Runner } from "./conformance-case.ts";
export type { LiveEvent } from "./live-feed.ts";
export type { GoAwayOptions } from "./mock-calls.ts";
export { MockDatabase } from "./mock-database.ts";
export type { MockDatabaseOptions } from "./mock-options.ts";
export type { Failure, ScriptOptions } from "./script.ts";
