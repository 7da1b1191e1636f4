import { DatabaseErrorOf, MAX_KEY_LENGTH, newRecordId, parseRecordId } from "@db/core";

declare const collection: unique symbol;

/** A whole id, `notes:<key>`, that was checked: the id of another collection is another type. */
export type RecordIdOf<C extends string> = `${C}:${string}` & { readonly [collection]: C };

/** Makes and checks the ids of one collection. */
export interface RecordIds<C extends string> {
  readonly collection: C;
  /** A new id, UUIDv7: later ones sort after earlier ones. */
  create(): RecordIdOf<C>;
  /** @throws INVALID_RECORD_ID for what is no id, or one of another collection */
  parse(id: unknown): RecordIdOf<C>;
  is(id: unknown): id is RecordIdOf<C>;
}

/** Makes and checks the ids of a collection. */
export function recordIds<const C extends string>(collection: C): RecordIds<C> {
  const is = (id: unknown): id is RecordIdOf<C> => {
    try {
      parseRecordId(id, collection);
      return true;
    } catch {
      return false;
    }
  };
  const expected = `"${collection}:<key>" with a key of 1..${MAX_KEY_LENGTH} well-formed characters without NUL`;
  return {
    collection,
    create: () => newRecordId(collection) as RecordIdOf<C>,
    parse: (id) => {
      if (is(id)) return id;
      throw new DatabaseErrorOf("INVALID_RECORD_ID", `expected an id ${expected}`, { expected });
    },
    is,
  };
}
