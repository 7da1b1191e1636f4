export type { SurrealFaults } from "./surreal-faults.ts";
export type { ServeSurrealOptions, SurrealEngine, SurrealStats } from "./surreal-options.ts";
export { type ServedSurreal, serveSurreal } from "./surreal-server.ts";
