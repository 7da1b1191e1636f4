import {
  copyValue,
  matchesFilter,
  type OperationOf,
  operationReused,
  type Page,
  type Row,
  rowAfter,
  selectPage,
  type WriteKind,
  type WriteResult,
} from "@db/core";
import type { View } from "./store.ts";

/** What a write answers beside its row. */
export interface WriteFacts {
  readonly operationId: string;
  /** Record the operation id together with the write; a second write under it changes nothing. */
  readonly ledger: boolean;
  readonly fingerprint: string | undefined;
}

export function readRecord(view: View, { collection, id }: OperationOf<"read">): Row | undefined {
  return copyValue(view.get(collection, id));
}

export function findRecords(view: View, { collection, query }: OperationOf<"find">): Page {
  const { items, next } = selectPage(view.rows(collection), collection, query);
  return { items: items.map(copyValue), next };
}

export function countRecords(view: View, { collection, where }: OperationOf<"count">): number {
  let count = 0;
  for (const row of view.rows(collection)) if (where === undefined || matchesFilter(row, where)) count += 1;
  return count;
}

/**
 * Runs a write, or answers as it did the first time when the ledger knows its operation id.
 * @throws ALREADY_EXISTS, NOT_FOUND, PRECONDITION_FAILED, FIELD_VIOLATION, VALIDATION_FAILED; then nothing has changed
 */
export function writeRecord(view: View, operation: OperationOf<WriteKind>, facts: WriteFacts): WriteResult {
  const { operationId, ledger, fingerprint } = facts;
  const earlier = ledger ? view.applied(operationId) : undefined;
  if (earlier !== undefined) {
    const known = earlier.fingerprint;
    if (known !== undefined && fingerprint !== undefined && known !== fingerprint) throw operationReused();
    return copyValue(earlier.result);
  }
  const { collection, id, returning } = operation;
  const before = view.get(collection, id);
  const after = rowAfter(operation, before);
  view.set(collection, id, after);
  const row = after ?? before;
  const result: WriteResult = {
    id,
    operationId,
    status: "committed",
    ...(returning && row !== undefined ? { row: copyValue(row) } : {}),
  };
  if (ledger) view.setApplied({ result, fingerprint });
  return copyValue(result);
}
