import { type Cursor, decodeCursor } from "./cursor.ts";
import { invalidQuery } from "./errors.ts";
import { checkFilter, checkPath, type Filter, type Path } from "./filter.ts";
import type { Direction, OrderKey } from "./order.ts";
import { checkCollection, classOf, type Owns, type Row } from "./value.ts";

/** What `find` takes: which rows, in what order, how many. */
export interface Query {
  /** Which rows. Default all. */
  readonly where?: Filter;
  /**
   * Missing and null first, then booleans, numbers, dates, strings by code point; all else last and tied. The id is
   * always the last key.
   */
  readonly order?: readonly (readonly [Path, Direction])[];
  /** Rows of a page, 1..10,000. Default 100, so that no call reads a collection into memory by accident. */
  readonly limit?: number;
  /** `next` of the page before. Bound to the collection, filter and order it came from. */
  readonly after?: string;
}

/** Rows in order. */
export interface Page {
  readonly items: readonly Row[];
  /** The cursor of the next page; null where there is none. */
  readonly next: string | null;
}

/** A query as a driver gets it: checked, complete, the cursor decoded. The last order key is the id. */
export interface PlannedQuery {
  readonly where: Filter | undefined;
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly after: Cursor | undefined;
}

/** Rows of a page unless told. */
export const DEFAULT_LIMIT = 100;
/** Rows that a page may have. */
export const MAX_LIMIT = 10_000;
const MAX_ORDER = 8;

/**
 * Checks a query and fills in its defaults.
 * @throws INVALID_QUERY naming what was expected and what came; also for a cursor of another query
 */
export function planQuery(collection: string, query: Query = {}, owns?: Owns): PlannedQuery {
  checkCollection(collection);
  if (classOf(query) !== "object") throw invalidQuery("a query object", query);
  for (const key of Object.keys(query)) {
    if (!["where", "order", "limit", "after"].includes(key))
      throw invalidQuery(`where, order, limit or after, not "${key}"`, query);
  }
  const where = query.where === undefined ? undefined : checkFilter(query.where, owns);
  const order = checkOrder(query.order === undefined ? [] : query.order);
  const limit = query.limit === undefined ? DEFAULT_LIMIT : query.limit;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw invalidQuery(`limit to be an integer in 1..${MAX_LIMIT}`, limit);
  const after = query.after === undefined ? undefined : decodeCursor({ collection, where, order }, query.after);
  return { where, order, limit, after };
}

function checkOrder(order: unknown): readonly OrderKey[] {
  if (!Array.isArray(order) || order.length > MAX_ORDER)
    throw invalidQuery(`order to be an array of at most ${MAX_ORDER} pairs`, order);
  // By `from`, which gives holes as well.
  const keys = Array.from(order, (pair: unknown): OrderKey => {
    if (!Array.isArray(pair) || pair.length !== 2)
      throw invalidQuery('order to have pairs like ["createdAt", "desc"]', pair);
    const [path, direction] = pair as [unknown, unknown];
    if (direction !== "asc" && direction !== "desc") throw invalidQuery('a direction "asc" or "desc"', direction);
    return { path: checkPath(typeof path === "string" ? [path] : path), direction };
  });
  const end = keys.findIndex(isIdKey);
  return end < 0 ? [...keys, { path: ["id"], direction: "asc" }] : keys.slice(0, end + 1);
}

function isIdKey(key: OrderKey): boolean {
  return key.path.length === 1 && key.path[0] === "id";
}
