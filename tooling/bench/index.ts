export { type Case, compare, type Measured } from "./measure.ts";
export { type Goal, report } from "./report.ts";
