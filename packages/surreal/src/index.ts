export type { Engine, SurrealOptions } from "./options.ts";
export type { SurrealValue } from "./own-values.ts";
export { surreal } from "./surreal.ts";
