import { encodeCursor } from "./cursor.ts";
import { matchesFilter } from "./match.ts";
import { comparePositionLists, positionsOf } from "./order.ts";
import type { Page, PlannedQuery } from "./query.ts";
import type { Row } from "./value.ts";

/** Answers a query over rows in memory: the whole of `find` for a small store, and the measure for every other. */
export function selectPage(rows: Iterable<Row>, collection: string, query: PlannedQuery): Page {
  const { where, order, limit, after } = query;
  const found = [];
  for (const row of rows) {
    if (where !== undefined && !matchesFilter(row, where)) continue;
    const positions = positionsOf(row, order);
    if (after === undefined || comparePositionLists(positions, after, order) > 0) found.push({ row, positions });
  }
  found.sort((a, b) => comparePositionLists(a.positions, b.positions, order));
  return pageOf(
    collection,
    query,
    found.slice(0, limit + 1).map((entry) => entry.row),
  );
}

/**
 * Makes the page of rows that were read in order with one more than the limit, which tells whether there is a next.
 * @param placed a row as it stands in the order, for an adapter whose own values stand among the portable ones
 */
export function pageOf(
  collection: string,
  query: PlannedQuery,
  rows: readonly Row[],
  placed: (row: Row) => Row = (row) => row,
): Page {
  const { where, order, limit } = query;
  const last = rows[limit - 1];
  if (rows.length <= limit || last === undefined) return { items: rows, next: null };
  return { items: rows.slice(0, limit), next: encodeCursor({ collection, where, order }, placed(last)) };
}
