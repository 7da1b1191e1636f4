import { mapConcurrent } from "./concurrent.ts";
import { type DatabaseError, invalid, isDatabaseError, unsupported } from "./errors.ts";
import type { WriteResult } from "./operation.ts";
import { checkKeys, expected } from "./options.ts";
import type { CallOptions, DatabaseService } from "./service.ts";
import { isPlainObject, type Patch } from "./value.ts";

/** One record to create. */
export interface BulkItem {
  /** Whole; default a new one. */
  readonly id?: string;
  /** Its fields; `undefined` is left out. */
  readonly data: Patch;
}

/** What became of one item. */
export type BulkOutcome =
  | { readonly status: "done"; readonly result: WriteResult }
  | { readonly status: "failed"; readonly error: DatabaseError }
  /** Not tried: an earlier one failed and `stopOnError` was set, or the signal fired. */
  | { readonly status: "skipped" };

/** What `bulkCreate` takes. The `timeoutMs` is each create's; under `atomic` that of all. */
export interface BulkCreateOptions extends CallOptions {
  /** How many run at a time, 1..10,000. Default 10. Without effect under `atomic`. */
  readonly concurrency?: number;
  /** Start no more after a failure. Default false. */
  readonly stopOnError?: boolean;
  /** All or none, in one transaction: the promise rejects with the failure. Default false. @throws UNSUPPORTED */
  readonly atomic?: boolean;
}

/** Creates many records; the outcomes stand in the order of the items. Rejects only under `atomic`. */
export async function bulkCreate(
  db: Pick<DatabaseService, "create" | "transaction">,
  collection: string,
  items: readonly BulkItem[],
  options: BulkCreateOptions = {},
): Promise<readonly BulkOutcome[]> {
  checkKeys("bulkCreate", options, ["concurrency", "stopOnError", "atomic", "signal", "timeoutMs"]);
  const { concurrency = 10, stopOnError = false, atomic = false, ...call } = options;
  for (const [name, choice] of Object.entries({ stopOnError, atomic })) {
    if (typeof choice !== "boolean") throw expected(name, "a boolean", choice);
  }
  if (atomic) return createAtomically(db, collection, items, call);
  let stopped = false;
  return mapConcurrent(
    items,
    async (item): Promise<BulkOutcome> => {
      if (stopped || call.signal?.aborted === true) return { status: "skipped" };
      try {
        return { status: "done", result: await createOne(db, collection, item, call) };
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        stopped ||= stopOnError;
        return { status: "failed", error };
      }
    },
    { concurrency },
  );
}

/** An item that is none fails alone: what became of the others must reach the caller. */
async function createOne(
  db: Pick<DatabaseService, "create">,
  collection: string,
  item: BulkItem,
  call: CallOptions = {},
): Promise<WriteResult> {
  if (!isPlainObject(item)) throw invalid([], "type", "an item with data");
  const { id, data, ...rest } = item;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw invalid([unknown], "unknown_field", "absent from an item of id and data");
  return db.create(collection, data, id === undefined ? call : { ...call, id });
}

async function createAtomically(
  db: Pick<DatabaseService, "transaction">,
  collection: string,
  items: readonly BulkItem[],
  call: CallOptions,
): Promise<readonly BulkOutcome[]> {
  if (typeof db.transaction !== "function") throw unsupported("an atomic bulkCreate without transactions");
  return db.transaction(async (tx) => {
    const outcomes: BulkOutcome[] = [];
    for (const item of items) outcomes.push({ status: "done", result: await createOne(tx, collection, item) });
    return outcomes;
  }, call);
}
