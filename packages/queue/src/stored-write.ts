import {
  checkValue,
  copyValue,
  type Fields,
  invalid,
  isPlainObject,
  type OperationOf,
  parseRecordId,
  type Scope,
  type UpdateMode,
  type WriteKind,
} from "@db/core";
import { isPlainJson } from "./plain.ts";

/** A write as it is stored: plain data, with nothing that can be derived. */
export type StoredWrite =
  | { readonly kind: "create"; readonly id: string; readonly data: Fields; readonly scope?: Scope }
  | {
      readonly kind: "update";
      readonly id: string;
      readonly data: Fields;
      readonly mode: UpdateMode;
      readonly remove?: readonly string[];
      readonly scope?: Scope;
    }
  | { readonly kind: "delete"; readonly id: string; readonly scope?: Scope };

/** What can be put into a queue by hand: an operation of core's, or less of one. */
export type QueuedWrite =
  | { readonly kind: "create"; readonly id: string; readonly data: Fields }
  | {
      readonly kind: "update";
      readonly id: string;
      readonly data: Fields;
      /** Default `merge`. */
      readonly mode?: UpdateMode;
      /** Fields to take away; only with `merge`. */
      readonly remove?: readonly string[];
    }
  | { readonly kind: "delete"; readonly id: string };

/** Whether the write can be stored: one that depends on what is there now, or that answers with it, cannot. */
export function canBeStored(operation: OperationOf<WriteKind>): boolean {
  return !operation.returning && (operation.kind === "create" || operation.expect === undefined);
}

/** An operation that core has checked. */
export function toStored(operation: OperationOf<WriteKind>, scope: Scope | undefined): StoredWrite {
  const { id } = operation;
  const tenant = scope === undefined ? undefined : { scope };
  switch (operation.kind) {
    case "create":
      return { kind: "create", id, data: operation.data, ...tenant };
    case "update": {
      const { data, mode, remove } = operation;
      return remove.length === 0
        ? { kind: "update", id, data, mode, ...tenant }
        : { kind: "update", id, data, mode, remove, ...tenant };
    }
    default:
      return { kind: "delete", id, ...tenant };
  }
}

export function toOperation(write: StoredWrite): OperationOf<WriteKind> {
  const { id } = write;
  const { collection } = parseRecordId(id);
  switch (write.kind) {
    case "create":
      return { kind: "create", collection, id, data: write.data, returning: false };
    case "update": {
      const { data, mode, remove = [] } = write;
      return { kind: "update", collection, id, data, mode, remove, expect: undefined, returning: false };
    }
    default:
      return { kind: "delete", collection, id, expect: undefined, returning: false };
  }
}

/** The operation with data of its own, for one that is not encoded at once. */
export function copied(operation: OperationOf<WriteKind>): OperationOf<WriteKind> {
  return operation.kind === "delete" ? operation : { ...operation, data: copyValue(operation.data) };
}

const FIELDS = ["kind", "collection", "id", "data", "mode", "remove", "expect", "returning"];

/**
 * Checks what a caller wants stored.
 * @throws VALIDATION_FAILED, INVALID_RECORD_ID
 */
export function checkWrite(given: unknown): OperationOf<WriteKind> {
  if (!isPlainObject(given)) throw invalid([], "type", "a write: { kind, id, data }");
  for (const name of Object.keys(given)) {
    if (!FIELDS.includes(name)) throw invalid([name], "unknown_field", `one of ${FIELDS.join(", ")}`);
  }
  const { kind, id, data, mode = "merge", remove = [], expect, returning } = given;
  if (kind !== "create" && kind !== "update" && kind !== "delete")
    throw invalid(["kind"], "kind", '"create", "update" or "delete"');
  const { collection } = parseRecordId(id);
  if (given.collection !== undefined && given.collection !== collection)
    throw invalid(["collection"], "collection", "absent or the collection of the id");
  if (expect !== undefined) throw invalid(["expect"], "not_queueable", "absent: a guarded write cannot be queued");
  if (returning !== undefined && returning !== false)
    throw invalid(["returning"], "not_queueable", "absent: a queued write has no row to return yet");
  const target = { collection, id: id as string, returning: false };
  if (kind === "delete") return { kind, ...target, expect: undefined };
  if (!isPlainObject(data)) throw invalid(["data"], "type", "a plain object of fields");
  if (!isPlainJson(data)) checkValue(data, ["data"]);
  if (kind === "create") return { kind, collection, id: id as string, data: data as Fields, returning: false };
  if (mode !== "merge" && mode !== "replace" && mode !== "increment")
    throw invalid(["mode"], "mode", '"merge", "replace" or "increment"');
  if (!Array.isArray(remove) || !remove.every((name) => typeof name === "string"))
    throw invalid(["remove"], "type", "an array of field names");
  return { kind, ...target, data: data as Fields, mode, remove: [...remove], expect: undefined };
}
