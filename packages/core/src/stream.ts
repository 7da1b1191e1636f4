import { checkInteger, checkKeys, expected } from "./options.ts";
import type { Query } from "./query.ts";
import { MAX_LIMIT } from "./query.ts";
import type { CallOptions, Statements } from "./service.ts";
import { isPlainObject, type Row } from "./value.ts";

/** What `stream` takes. */
export interface StreamOptions extends CallOptions {
  /** Rows of a page and so the memory that is used, 1..10,000. Default 100. `timeoutMs` is each page's. */
  readonly pageSize?: number;
}

/**
 * All rows of a query, page after page by keyset, never by offset. Fetches a page when the consumer has used up the one
 * before and stops when the consumer stops. Every record that existed throughout comes exactly once, as long as the
 * fields it is ordered by do not change meanwhile (the default order is by id, which cannot).
 */
export async function* stream(
  db: Pick<Statements, "find">,
  collection: string,
  query: Omit<Query, "limit"> = {},
  options: StreamOptions = {},
): AsyncGenerator<Row, void, undefined> {
  checkKeys("stream", options, ["pageSize", "signal", "timeoutMs"]);
  const { pageSize = 100, ...call } = options;
  if (!isPlainObject(query)) throw expected("stream", "a query object", query);
  if ("limit" in query) throw expected("limit", "no limit in the query of a stream (see pageSize)", query.limit);
  checkInteger("pageSize", pageSize, 1, MAX_LIMIT);
  let after = query.after;
  do {
    const page = await db.find(
      collection,
      { ...query, limit: pageSize, ...(after === undefined ? {} : { after }) },
      call,
    );
    // Not yield*: an exception thrown into the stream would find no `throw` on an array's iterator.
    for (const row of page.items) yield row;
    after = page.next ?? undefined;
  } while (after !== undefined);
}
