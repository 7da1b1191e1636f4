import type { CallContext } from "./context.ts";
import type { DatabaseError } from "./errors.ts";
import type { LiveEvent, LiveQuery } from "./live.ts";
import type { Handlers, StatementKind } from "./operation.ts";
import type { TransactionOptions } from "./service.ts";

/** What a driver can do; what it cannot it answers with UNSUPPORTED. Read per call: some are known only once connected. */
export interface Capabilities {
  /** `begin` works. */
  readonly transactions: boolean;
  /** A transaction inside a transaction. */
  readonly savepoints: boolean;
  /** Honours `context.ledger`, answers `wasApplied`. */
  readonly idempotentWrites: boolean;
  /** Has `live`. */
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
  /** The host of a server; undefined for what runs in this process. */
  readonly address?: string | undefined;
  /** Of the server. Default none. */
  readonly port?: number | undefined;
}

/** All that a layer may see of the driver. */
export interface DriverView {
  /** In messages, logs and telemetry. */
  readonly name: string;
  /** Where its calls go, for telemetry. Default none. */
  readonly target?: DriverTarget | undefined;
  /** Read per call: some are known only once connected. */
  readonly capabilities: Capabilities;
  readonly state: ConnectionState;
  /** Returns the function that ends the subscription. */
  onStateChange(listener: (state: ConnectionState) => void): () => void;
}

/** One open transaction. Core calls either, once; after a failed commit it still calls `rollback`. */
export interface DriverTransaction {
  /** They see each other's writes; nobody else does before `commit`. */
  readonly statements: Handlers<StatementKind>;
  /** All or nothing. Rejects with `effect: "unknown"` where nobody can tell; with a signal that has fired it stores nothing. */
  commit(context: CallContext): Promise<void>;
  /** Leaves nothing behind. It gets 5 s of its own, since the call's time may be what ran out. */
  rollback(context: CallContext): Promise<void>;
}

/**
 * What an adapter author writes; everything else is core's. Three duties beyond the handlers' own:
 * - when `context.signal` fires, settle soon, with `interrupted(context, effect)` where only the driver knows the effect;
 * - once it has fired, start nothing that has an effect;
 * - throw nothing but `DatabaseError`.
 */
export interface Driver extends DriverView {
  /** One handler for each kind, for calls outside of transactions. */
  readonly statements: Handlers<StatementKind>;
  /** Opens a transaction. After a CONFLICT core calls it again, up to `maxAttempts`. @throws UNSUPPORTED, TRANSACTION_FAILED */
  begin(options: TransactionOptions, context: CallContext): Promise<DriverTransaction>;
  /** Tells whether an object is a value type of this database's own; without it only portable values are taken. */
  ownsValue?(value: object): boolean;
  /** The ledger look-up that settles OUTCOME_UNKNOWN. */
  wasApplied?(operationId: string, context: CallContext): Promise<boolean>;
  /** See `LiveChannel`. The first event is a `resync`, and the iteration is done when the signal fires. */
  live?(query: LiveQuery, context: CallContext): AsyncIterable<LiveEvent>;
  /** One round trip, for `healthCheck()`; it must not wait for a connection under `whenAway: "fail"`. */
  ping(context: CallContext): Promise<void>;
  /** The server's version, as it reports it. */
  version(context: CallContext): Promise<string>;
  /** Dials until it is connected or the signal fires; rejects at once for what waiting cannot mend: a password, a version. */
  connect(context: CallContext): Promise<void>;
  /** Closes for good, by the deadline of the context: the state is `closed` then. */
  disconnect(context: CallContext): Promise<void>;
}
