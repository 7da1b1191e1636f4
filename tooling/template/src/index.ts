export type { StopwatchOptions } from "./options.ts";
export { Stopwatch } from "./stopwatch.ts";
