import type { CallContext } from "./context.ts";
import type { DatabaseError } from "./errors.ts";
import type { LiveEvent, LiveQuery } from "./live.ts";
import type { Handlers, StatementKind } from "./operation.ts";
import type { TransactionOptions } from "./service.ts";

/** What a driver can do; what it cannot it answers with UNSUPPORTED. Read per call: some are known only once connected. */
export interface Capabilities {
  readonly transactions: boolean;
  /** A transaction inside a transaction. */
  readonly savepoints: boolean;
  /** Honours `context.ledger`, answers `wasApplied`. */
  readonly idempotentWrites: boolean;
  readonly liveQueries: boolean;
  /** Honours `context.scope`. */
  readonly scopes: boolean;
  /** Has a language of its own for `query`. */
  readonly queryLanguage: boolean;
}

/** Times are on the monotonic `performance.now()` scale. */
export type ConnectionState =
  | { readonly name: "disconnected" | "closed" }
  | { readonly name: "connecting" | "connected"; readonly since: number }
  | {
      readonly name: "failed";
      readonly since: number;
      readonly error: DatabaseError;
      /** When the next dial is due: what `retryAfterMs` is computed from. */
      readonly nextAttemptAt: number;
      /** From here on calls fail at once instead of waiting for the connection. */
      readonly unavailableAt: number;
    };

/** Where the calls of a driver go, for telemetry: no credentials. One object for the life of the driver. */
export interface DriverTarget {
  /** The product, in lower case and without a version: `surrealdb`. */
  readonly system: string;
  /** What calls without a scope of their own run in, from the outside in and joined by `|`: `shop|main`. */
  readonly namespace?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

/** All that a layer may see of the driver. */
export interface DriverView {
  readonly name: string;
  readonly target?: DriverTarget | undefined;
  readonly capabilities: Capabilities;
  readonly state: ConnectionState;
  /** Returns the function that ends the subscription. */
  onStateChange(listener: (state: ConnectionState) => void): () => void;
}

/** One open transaction. Core calls either, once; after a failed commit it still calls `rollback`. */
export interface DriverTransaction {
  readonly statements: Handlers<StatementKind>;
  commit(context: CallContext): Promise<void>;
  rollback(context: CallContext): Promise<void>;
}

/**
 * What an adapter author writes; everything else is core's. Three duties beyond the handlers' own:
 * - when `context.signal` fires, settle soon, with `interrupted(context, effect)` where only the driver knows the effect;
 * - once it has fired, start nothing that has an effect;
 * - throw nothing but `DatabaseError`.
 */
export interface Driver extends DriverView {
  readonly statements: Handlers<StatementKind>;
  begin(options: TransactionOptions, context: CallContext): Promise<DriverTransaction>;
  /** Tells whether an object is a value type of this database's own; without it only portable values are taken. */
  ownsValue?(value: object): boolean;
  /** The ledger look-up that settles OUTCOME_UNKNOWN. */
  wasApplied?(operationId: string, context: CallContext): Promise<boolean>;
  /** See `LiveChannel`. The first event is a `resync`, and the iteration is done when the signal fires. */
  live?(query: LiveQuery, context: CallContext): AsyncIterable<LiveEvent>;
  ping(context: CallContext): Promise<void>;
  version(context: CallContext): Promise<string>;
  connect(context: CallContext): Promise<void>;
  disconnect(context: CallContext): Promise<void>;
}
