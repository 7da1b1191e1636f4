export type { Engine, SurrealOptions } from "./options.ts";
export { surreal } from "./surreal.ts";
