import { type DatabaseError, DatabaseErrorOf, type ErrorCode, type OperationOf, type WriteKind } from "@db/core";

/**
 * What an attempt to apply a write has come to.
 * - `applied`: the database has it. `inLedger`: and its ledger knows, unlike what was found to need no change.
 * - `away`: the database could not be asked; counts for nothing.
 * - `again`: a failure that may pass.
 * - `dead`: no repeat can help.
 * - `compare`: a record of this id exists; it may be the one that was to be created.
 */
export type Verdict =
  | { readonly name: "applied"; readonly inLedger: boolean }
  | { readonly name: "compare"; readonly error: DatabaseError }
  | { readonly name: "away" | "again" | "dead"; readonly error: DatabaseError };

/** An outage, overload, or a fault of the service's own configuration: the write is not to blame. */
const AWAY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CONNECTION_FAILED",
  "NOT_CONNECTED",
  "SERVICE_UNAVAILABLE",
  "POOL_EXHAUSTED",
  "CANCELLED",
  "CLOSED",
  "AUTHENTICATION_FAILED",
  "UNSUPPORTED_VERSION",
  "DATABASE_LOCKED",
]);

/** May pass; or says too little for a judgement after one attempt. */
const AGAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "QUERY_TIMEOUT",
  "CONFLICT",
  "TRANSACTION_FAILED",
  "TRANSACTION_ROLLED_BACK",
  "QUEUE_FULL",
  "DURABILITY_UNKNOWN",
  "OUTCOME_UNKNOWN",
  "STORAGE_FAILED",
  "INTERNAL",
]);

/** @param ledger whether a repeat of what was applied is a no-op */
export function judge(
  error: DatabaseError,
  operation: OperationOf<WriteKind>,
  operationId: string,
  ledger: boolean,
): Verdict {
  const { code, effect } = error;
  if (code === "NOT_FOUND" && operation.kind === "delete") return { name: "applied", inLedger: false };
  if (code === "ALREADY_EXISTS" && operation.kind === "create") return { name: "compare", error };
  if (effect === "unknown" && !ledger && !isRepeatable(operation))
    return { name: "dead", error: unknownOutcome(operationId, error) };
  if (AWAY.has(code)) return { name: "away", error };
  return { name: AGAIN.has(code) ? "again" : "dead", error };
}

/** Whether applying it twice, with nothing in between, leaves what applying it once does. */
export function isRepeatable(operation: OperationOf<WriteKind>): boolean {
  return operation.kind !== "update" || operation.mode !== "increment";
}

/** For what no ledger can tell about. */
export function unknownOutcome(operationId: string, cause?: DatabaseError): DatabaseErrorOf<"OUTCOME_UNKNOWN"> {
  const why = cause === undefined ? "" : ` (${cause.code})`;
  const message = `the increment may have been applied${why}, and without a ledger a repeat could count it twice`;
  return new DatabaseErrorOf("OUTCOME_UNKNOWN", message, { operationId }, { effect: "unknown", cause });
}

/** For what may have been applied so long ago that the ledger has forgotten. */
export function expiredOutcome(operationId: string, ledgerRetentionMs: number): DatabaseErrorOf<"OUTCOME_UNKNOWN"> {
  const message = `may have been applied more than ${ledgerRetentionMs} ms ago, which is longer than the ledger remembers`;
  return new DatabaseErrorOf("OUTCOME_UNKNOWN", message, { operationId }, { effect: "unknown" });
}
