export type {
  AccessCredentials,
  Authentication,
  BearerCredentials,
  Credentials,
  UserCredentials,
} from "./authentication.ts";
export type { Engine, SurrealOptions } from "./options.ts";
export type { SurrealValue } from "./own-values.ts";
export type { PoolTuning } from "./pool-options.ts";
export { surreal } from "./surreal.ts";
export type { TlsOptions } from "./tls.ts";
