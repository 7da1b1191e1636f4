import { DatabaseErrorOf } from "./errors.ts";
import { describe } from "./options.ts";
import { newUuid } from "./uuid.ts";
import { COLLECTION_RULE, isCollection } from "./value.ts";

/** A record id in its two parts. The key is all text after the first colon and always a string. */
export interface RecordId {
  readonly collection: string;
  readonly key: string;
}

/** In UTF-16 units; long enough for any natural key, short enough for every index. */
export const MAX_KEY_LENGTH = 512;
const RULE = `"collection:key" with ${COLLECTION_RULE} and a key of 1..${MAX_KEY_LENGTH} well-formed characters without NUL`;

/**
 * The two parts of an id.
 * @throws INVALID_RECORD_ID, also when `collection` is given and the id is of another one
 */
export function parseRecordId(id: unknown, collection?: string): RecordId {
  const colon = typeof id === "string" ? id.indexOf(":") : -1;
  if (typeof id !== "string" || colon < 0) throw malformed(RULE, describe(id));
  const parsed = { collection: id.slice(0, colon), key: id.slice(colon + 1) };
  if (!isCollection(parsed.collection)) throw malformed(RULE, "another collection part");
  if (!isKey(parsed.key)) throw malformed(RULE, `a key of ${parsed.key.length} characters`);
  if (collection !== undefined && parsed.collection !== collection) {
    throw malformed(`an id of the collection "${collection}"`, `one of "${parsed.collection}"`);
  }
  return parsed;
}

/** The id of a collection and a key. @throws INVALID_RECORD_ID */
export function formatRecordId(collection: string, key: string): string {
  if (!isCollection(collection) || typeof key !== "string" || !isKey(key)) throw malformed(RULE, "other parts");
  return `${collection}:${key}`;
}

/** A new id, made on the client so that the id returned is the id stored: UUIDv7, monotonic per process. */
export function newRecordId(collection: string): string {
  return formatRecordId(collection, newUuid());
}

/** A new operation id for a write that is run outside of the façade: UUIDv7, monotonic per process. */
export function newOperationId(): string {
  return newUuid();
}

function isKey(key: string): boolean {
  return key.length > 0 && key.length <= MAX_KEY_LENGTH && key.isWellFormed() && !key.includes("\0");
}

function malformed(expected: string, got: string): DatabaseErrorOf<"INVALID_RECORD_ID"> {
  return new DatabaseErrorOf("INVALID_RECORD_ID", `expected ${expected}, got ${got}`, { expected });
}
