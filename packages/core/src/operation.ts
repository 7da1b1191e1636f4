import type { CallContext } from "./context.ts";
import type { Filter } from "./filter.ts";
import type { Page, PlannedQuery } from "./query.ts";
import type { Statements, TransactionOptions } from "./service.ts";
import type { Fields, Row } from "./value.ts";

/** What a write resolves to. */
export interface WriteResult {
  /** Whole: "collection:key". */
  readonly id: string;
  /** Names this write for ever: the ledger, the queue and `wasApplied` know it by this. */
  readonly operationId: string;
  /** `committed`: the database has it. `queued`: a write queue has stored it, and will apply it. */
  readonly status: "committed" | "queued";
  /** With `returning: true`: the stored row, for a delete the row that was. */
  readonly row?: Row;
}

interface ById {
  readonly collection: string;
  /** Whole: "collection:key". */
  readonly id: string;
}

interface Write extends ById {
  readonly returning: boolean;
}

/** How `update` treats fields: see `UpdateOptions`. */
export type UpdateMode = "merge" | "replace" | "increment";

/** Per kind: its facts and its result. Every kind but `transaction` is plain data. */
export interface Operations {
  create: { facts: Write & { readonly data: Fields }; result: WriteResult };
  read: { facts: ById; result: Row | undefined };
  update: {
    facts: Write & {
      readonly mode: UpdateMode;
      readonly data: Fields;
      /** Fields to take away; only `merge` has any. */
      readonly remove: readonly string[];
      readonly expect: Fields | undefined;
    };
    result: WriteResult;
  };
  delete: { facts: Write & { readonly expect: Fields | undefined }; result: WriteResult };
  find: { facts: { readonly collection: string; readonly query: PlannedQuery }; result: Page };
  count: { facts: { readonly collection: string; readonly where: Filter | undefined }; result: number };
  query: {
    facts: { readonly text: string; readonly params: Fields; readonly access: "read" | "write" };
    result: readonly unknown[];
  };
  transaction: {
    facts: { readonly work: (tx: Statements) => Promise<void>; readonly options: TransactionOptions };
    result: void;
  };
}

/** Every kind of operation. */
export type Kind = keyof Operations;
/** All that a driver implements. */
export type StatementKind = Exclude<Kind, "transaction">;
/** All that can be stored for later. */
export type WriteKind = "create" | "update" | "delete";
/** One operation of a kind: plain data, but for a transaction's `work`. */
export type OperationOf<K extends Kind> = { [P in K]: { readonly kind: P } & Operations[P]["facts"] }[K];
/** The union that `switch (operation.kind)` narrows. */
export type Operation = OperationOf<Kind>;
/** What an operation of a kind resolves to. */
export type ResultOf<K extends Kind> = Operations[K]["result"];

/** The one function type that runs an operation. */
export type Execute<Only extends Kind = Kind> = <K extends Only>(
  operation: OperationOf<K>,
  context: CallContext,
) => Promise<ResultOf<K>>;

/** One function per kind. */
export type Handlers<Only extends Kind = Kind> = {
  readonly [K in Only]: (operation: OperationOf<K>, context: CallContext) => Promise<ResultOf<K>>;
};

/** One function from a table of handlers. */
export function dispatch<Only extends Kind>(handlers: Handlers<Only>): Execute<Only> {
  return (operation, context) => handlers[operation.kind](operation, context);
}

/** For a layer that answers some kinds itself and passes the others on. */
export function override(next: Execute, own: Partial<Handlers>): Execute {
  const handlers: Handlers = {
    create: next,
    read: next,
    update: next,
    delete: next,
    find: next,
    count: next,
    query: next,
    transaction: next,
    ...own,
  };
  return dispatch<Kind>(handlers);
}

/** For a layer that only looks: the operation as the union that `switch (operation.kind)` narrows. */
export function seen<K extends Kind>(operation: OperationOf<K>): Operation {
  return operation as Operation;
}

/** Whether running the operation may change data. */
export function isWrite(operation: Operation): boolean {
  switch (operation.kind) {
    case "read":
    case "find":
    case "count":
      return false;
    case "query":
      return operation.access === "write";
    default:
      return true;
  }
}
