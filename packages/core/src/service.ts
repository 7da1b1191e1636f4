import type { Scope } from "./context.ts";
import type { ConnectionState } from "./driver.ts";
import type { Filter } from "./filter.ts";
import type { DatabaseHealth } from "./health.ts";
import type { LiveEvent, LiveOptions } from "./live.ts";
import type { UpdateMode, WriteResult } from "./operation.ts";
import type { Page, Query } from "./query.ts";
import type { Fields, Patch, Row } from "./value.ts";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with CANCELLED; its reason becomes the error's cause. */
  readonly signal?: AbortSignal;
  /** The call's deadline in milliseconds. Default: the service's. Attempts, waits and retries all fit inside. */
  readonly timeoutMs?: number;
}

/** What every write takes. */
export interface WriteOptions extends CallOptions {
  /**
   * Names the write, 1..128 characters. Default: a new UUIDv7. A caller that may send the same write again passes the
   * same one, so that a ledger can tell.
   */
  readonly operationId?: string;
  /**
   * A short digest of what is written, 1..128 printable ASCII characters. Asks for a row in the ledger that holds it, as a
   * layer that may replay does: sent again, the operation id answers as it did at first; with another fingerprint it is
   * refused with VALIDATION_FAILED (rule `operation_reused`). Default none.
   */
  readonly fingerprint?: string;
  /** Also resolve to the stored row (for a delete: the row that was). Such a write is never queued. Default false. */
  readonly returning?: boolean;
}

/** What `create` takes. */
export interface CreateOptions extends WriteOptions {
  /** Whole, of this collection. Default: a new one. */
  readonly id?: string;
}

/** What `delete` takes. */
export interface DeleteOptions extends WriteOptions {
  /** Top-level fields that must be equal now, as `eq` compares; else PRECONDITION_FAILED. Such a write is never queued. */
  readonly expect?: Fields;
}

/** What `update` takes. */
export interface UpdateOptions extends DeleteOptions {
  /**
   * `merge` (default) sets the named top-level fields, `undefined` removes one; `replace` leaves nothing else;
   * `increment` adds numbers, a missing field being 0.
   */
  readonly mode?: UpdateMode;
}

/** What `query` takes. */
export interface QueryOptions extends CallOptions {
  /** Whether the text may change data: what retry, replicas and serialisation go by. Default `write`, the safe one. */
  readonly access?: "read" | "write";
}

/** What `transaction` takes beside `signal` and `timeoutMs`. */
export interface TransactionOptions {
  /** Above 1, `work` runs again after a CONFLICT, so it must be free of other effects. 1..100, default 1. */
  readonly maxAttempts?: number;
}

/** What both a `DatabaseService` and a transaction offer. */
export interface Statements {
  /** @throws ALREADY_EXISTS, UNIQUE_VIOLATION, FIELD_VIOLATION, VALIDATION_FAILED, INVALID_RECORD_ID */
  create(collection: string, data: Patch, options?: CreateOptions): Promise<WriteResult>;
  /** The record, or undefined. */
  read(id: string, options?: CallOptions): Promise<Row | undefined>;
  /** @throws NOT_FOUND, PRECONDITION_FAILED, UNIQUE_VIOLATION, FIELD_VIOLATION, VALIDATION_FAILED, INVALID_RECORD_ID */
  update(id: string, data: Patch, options?: UpdateOptions): Promise<WriteResult>;
  /** @throws NOT_FOUND, PRECONDITION_FAILED, INVALID_RECORD_ID */
  delete(id: string, options?: DeleteOptions): Promise<WriteResult>;
  /** Whether the record is there. @throws INVALID_RECORD_ID */
  exists(id: string, options?: CallOptions): Promise<boolean>;
  /** @throws INVALID_QUERY */
  count(collection: string, where?: Filter, options?: CallOptions): Promise<number>;
  /** A page of rows. A collection that does not exist reads as empty. @throws INVALID_QUERY */
  find(collection: string, query?: Query, options?: CallOptions): Promise<Page>;
  /** The database's own language, values only as parameters. Resolves to one result per statement. @throws INVALID_QUERY */
  query<T = unknown>(text: string, params?: Fields, options?: QueryOptions): Promise<readonly T[]>;
}

/** A service for one tenant. */
export type ScopedService = Statements & Pick<DatabaseService, "transaction" | "wasApplied" | "live">;

/**
 * The façade that an application holds. Every method ends by its deadline (30 s unless told), and rejects with nothing
 * but `DatabaseError`; a `transaction` also with whatever its `work` threw, by identity.
 */
export interface DatabaseService extends Statements, AsyncDisposable {
  /** That of the driver's connection. */
  readonly state: ConnectionState;
  /** Resolves at the first connection. The same promise for calls at once. @throws the true cause; CLOSED */
  connect(options?: CallOptions): Promise<void>;
  /**
   * Refuses new calls, lets those under way end for `drainMs` (default 10,000), stops the rest, closes the layers and
   * then the driver. The same promise for a second call.
   */
  disconnect(options?: { readonly drainMs?: number }): Promise<void>;
  /** Never rejects and takes at most 5 s. */
  healthCheck(): Promise<DatabaseHealth>;
  /** The database's version, as it reports it. @throws NOT_CONNECTED, and what a read throws */
  version(options?: CallOptions): Promise<string>;
  /**
   * Commits when `work` resolves, rolls back when it does not. Flat: a write or transaction called on the service from
   * inside `work`, where it would wait for its own transaction, is refused at once with UNSUPPORTED.
   */
  transaction<T>(work: (tx: Statements) => Promise<T>, options?: CallOptions & TransactionOptions): Promise<T>;
  /**
   * Changes of a collection as they are committed, until the signal fires or the service closes. It begins at the first
   * `next()`, and tells by a first `resync` that it stands. @throws UNSUPPORTED, INVALID_QUERY; QUERY_TIMEOUT where it does
   * not stand in its time
   */
  live(collection: string, options?: LiveOptions): AsyncIterable<LiveEvent>;
  /** The same service for a tenant. @throws UNSUPPORTED at the first call where the driver has no scopes */
  withScope(scope: Scope): ScopedService;
  /** Asks the ledger: was the write of this operation id applied? Settles OUTCOME_UNKNOWN. @throws UNSUPPORTED */
  wasApplied(operationId: string, options?: CallOptions): Promise<boolean>;
}
