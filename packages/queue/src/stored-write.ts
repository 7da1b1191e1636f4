import {
  checkValue,
  classOf,
  copyValue,
  type Fields,
  invalid,
  isPlainObject,
  type OperationOf,
  parseRecordId,
  type Scope,
  toDatabaseError,
  type UpdateMode,
  type WriteKind,
} from "@db/core";
import { isPlainJson } from "./plain.ts";

/** A write as it is stored: plain data, with nothing that can be derived. */
export type StoredWrite =
  | {
      readonly kind: "create";
      readonly id: string;
      readonly data: Fields;
      readonly scope?: Scope;
      readonly fingerprint?: string;
    }
  | {
      readonly kind: "update";
      readonly id: string;
      readonly data: Fields;
      readonly mode: UpdateMode;
      readonly remove?: readonly string[];
      readonly scope?: Scope;
      readonly fingerprint?: string;
    }
  | { readonly kind: "delete"; readonly id: string; readonly scope?: Scope; readonly fingerprint?: string };

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
export function toStored(
  operation: OperationOf<WriteKind>,
  scope: Scope | undefined,
  fingerprint: string | undefined,
): StoredWrite {
  const { id } = operation;
  const more =
    scope === undefined && fingerprint === undefined
      ? undefined
      : { ...(scope === undefined ? {} : { scope }), ...(fingerprint === undefined ? {} : { fingerprint }) };
  switch (operation.kind) {
    case "create":
      return { kind: "create", id, data: operation.data, ...more };
    case "update": {
      const { data, mode, remove } = operation;
      return remove.length === 0
        ? { kind: "update", id, data, mode, ...more }
        : { kind: "update", id, data, mode, remove, ...more };
    }
    default:
      return { kind: "delete", id, ...more };
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
 * @throws VALIDATION_FAILED, INVALID_RECORD_ID; INTERNAL where looking at it throws
 */
export function checkWrite(given: unknown): OperationOf<WriteKind> {
  try {
    return checked(given);
  } catch (error) {
    throw toDatabaseError(error, "none");
  }
}

function checked(given: unknown): OperationOf<WriteKind> {
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
  const fields = withoutId(data as Fields, id);
  if (kind === "create") return { kind, collection, id: id as string, data: fields, returning: false };
  if (mode !== "merge" && mode !== "replace" && mode !== "increment")
    throw invalid(["mode"], "mode", '"merge", "replace" or "increment"');
  if (!Array.isArray(remove) || !remove.every((name) => typeof name === "string"))
    throw invalid(["remove"], "type", "an array of field names");
  if (remove.length > 0 && mode !== "merge") throw invalid(["remove"], "remove", 'absent but with the mode "merge"');
  if (mode === "increment") {
    const wrong = Object.keys(fields).find((name) => classOf(fields[name]) !== "number");
    if (wrong !== undefined) throw invalid(["data", wrong], "increment", "a number to add");
  }
  return { kind, ...target, data: fields, mode, remove: [...remove], expect: undefined };
}

/** As a service does: the id is no field. */
function withoutId(data: Fields, own: unknown): Fields {
  if (!Object.hasOwn(data, "id")) return data;
  const { id, ...fields } = data;
  if (id !== own) throw invalid(["data", "id"], "id", "absent or equal to the record's own id");
  return fields;
}

/** A stored write, with what it left to a default. */
export interface StoredParts {
  readonly operation: OperationOf<WriteKind>;
  readonly scope: Scope | undefined;
  readonly fingerprint: string | undefined;
}

/**
 * Checks what comes from a file that anybody may have written.
 * @throws VALIDATION_FAILED, INVALID_RECORD_ID
 */
export function checkStored(given: unknown): StoredParts {
  if (!isPlainObject(given)) throw invalid([], "type", "a write: { kind, id, data }");
  const { scope, fingerprint, ...write } = given;
  const operation = checkWrite(write);
  if (scope !== undefined) checkScope(scope);
  if (fingerprint !== undefined && !isFingerprint(fingerprint))
    throw invalid(["fingerprint"], "fingerprint", "1..128 printable ASCII characters");
  return { operation, scope, fingerprint };
}

/** @throws VALIDATION_FAILED */
export function checkScope(value: unknown): asserts value is Scope {
  if (!isPlainObject(value) || typeof value.namespace !== "string" || typeof value.database !== "string")
    throw invalid(["scope"], "scope", "{ namespace, database } of strings");
}

/** @throws VALIDATION_FAILED */
export function checkSignal(value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) throw invalid(["signal"], "signal", "an AbortSignal");
}

export function isOperationId(value: unknown): value is string {
  return typeof value === "string" && /^[\w.:-]{1,128}$/.test(value);
}

export function isFingerprint(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]{1,128}$/.test(value);
}
