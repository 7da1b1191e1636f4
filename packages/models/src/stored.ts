import { type DatabaseError, isDatabaseError, withEffect } from "@db/core";

/** Two copies of this package may meet in one process. */
const STORED: unique symbol = Symbol.for("@db/models/stored") as never;

/** Marks a VALIDATION_FAILED as one about a stored row. */
export function asStored(error: DatabaseError, id: string): DatabaseError {
  return Object.defineProperty(error, STORED, { value: id });
}

/**
 * The id of the stored row that a VALIDATION_FAILED is about; undefined where it is about an input, and for every other
 * error. For a service: the one is its own fault, the other the client's.
 */
export function storedIdOf(error: unknown): string | undefined {
  if (!isDatabaseError(error) || !(STORED in error)) return undefined;
  return typeof error[STORED] === "string" ? error[STORED] : undefined;
}

/** Reads the row that a write came with. If it does not fit, the write was done all the same: no `effect: "none"`. */
export function readAfterWrite<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const id = storedIdOf(error);
    throw isDatabaseError(error) && id !== undefined ? asStored(withEffect(error, "unknown"), id) : error;
  }
}
