import { invalid } from "./errors.ts";
import { checkFilter, type Filter } from "./filter.ts";
import { describe } from "./options.ts";
import { checkCollection, type Owns, type Row } from "./value.ts";

/** One change of a record, as it was committed. */
export interface LiveChange {
  readonly action: "create" | "update" | "delete";
  readonly id: string;
  /** The record as it is now; for a delete as it was. */
  readonly row: Row;
}

/**
 * What comes next is complete, what came before may not be: read again what you hold. The first event of every live
 * query (`started`: it stands now), and one after each gap: the connection was `lost` for a while, or the consumer was so
 * slow that its buffer ran over (`overflow`).
 */
export interface LiveResync {
  readonly action: "resync";
  readonly reason: "started" | "lost" | "overflow";
}

/** What a live query gives: changes, and where some may be missing a `resync`. */
export type LiveEvent = LiveChange | LiveResync;

/** What `live` takes. */
export interface LiveOptions {
  /** Ends the live query; its iteration is then done. */
  readonly signal?: AbortSignal;
  /** How long it may take until it stands, in milliseconds. Default: the service's. */
  readonly timeoutMs?: number;
  /** Only changes of rows that match before or after them, so that a row that leaves the filter is told as well. */
  readonly where?: Filter;
  /**
   * Changes that may wait to be consumed, 1..100,000, default 1,000. One more drops them all and leaves one `resync`:
   * memory stays bounded, and the consumer knows.
   */
  readonly bufferSize?: number;
}

/** What a driver is asked to watch, checked. */
export interface LiveQuery {
  readonly collection: string;
  readonly where: Filter | undefined;
  readonly bufferSize: number;
  /** For the start; after that there is no deadline. */
  readonly timeoutMs: number;
}

const MAX_BUFFER_SIZE = 100_000;

/** @throws INVALID_QUERY, VALIDATION_FAILED */
export function buildLive(
  collection: string,
  { where, bufferSize = 1_000, timeoutMs }: LiveOptions & { readonly timeoutMs: number },
  owns: Owns,
): LiveQuery {
  checkCollection(collection);
  if (!Number.isInteger(bufferSize) || bufferSize < 1 || bufferSize > MAX_BUFFER_SIZE) {
    const expected = `an integer in 1..${MAX_BUFFER_SIZE}, got ${describe(bufferSize)}`;
    throw invalid(["options", "bufferSize"], "bufferSize", expected);
  }
  return { collection, where: where === undefined ? undefined : checkFilter(where, owns), bufferSize, timeoutMs };
}
