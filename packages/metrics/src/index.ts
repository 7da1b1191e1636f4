export type { Exporter } from "./exporters.ts";
export { type Instrumentation, instrument } from "./instrument.ts";
export type { Level } from "./level.ts";
export type { InstrumentOptions } from "./options.ts";
export { sanitizeQuery } from "./sanitize.ts";
export type { SelfCheck } from "./self-check.ts";
export type { SlowCallOptions, SlowCallRule } from "./slow-call-options.ts";
export { type SlowCall, type SlowCallWatch, watchSlowCalls } from "./slow-calls.ts";
export { summarizeQuery } from "./summary.ts";
