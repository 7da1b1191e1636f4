export { type Case, compare, type Measured } from "./measure.ts";
export { report } from "./report.ts";
export type { Goal } from "./results.ts";
