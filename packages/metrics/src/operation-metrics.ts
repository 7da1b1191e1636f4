import { errorTypeOf, statusCodeOf } from "./error-type.ts";
import type { Feed } from "./feed.ts";
import {
  COLLECTION,
  DURATION_BOUNDARIES,
  ERROR_TYPE,
  NAMESPACE,
  OPERATION,
  QUERY_SUMMARY,
  ROW_BOUNDARIES,
  SERVER_ADDRESS,
  SERVER_PORT,
  STATUS_CODE,
  SYSTEM,
} from "./names.ts";
import type { LabelValue } from "./series.ts";
import { type OperationEvent, SOURCES } from "./sources.ts";
import { textOf } from "./text.ts";

const BASIC = [SYSTEM, NAMESPACE, OPERATION, ERROR_TYPE];
const DETAILED = [...BASIC, COLLECTION, SERVER_ADDRESS, SERVER_PORT];
const ALL = [...DETAILED, QUERY_SUMMARY, STATUS_CODE];
const CROWDED = [NAMESPACE, COLLECTION, QUERY_SUMMARY, STATUS_CODE];

/** One attributed record for each logical call, and at `all` a second one for its rows. */
export function recordOperations(feed: Feed): void {
  const detailed = feed.tells("detailed");
  const all = feed.tells("all");
  const recordDuration = feed.histogram("db.client.operation.duration", {
    unit: "s",
    description: "Duration of database client operations.",
    boundaries: DURATION_BOUNDARIES,
    names: all ? ALL : detailed ? DETAILED : BASIC,
    crowded: CROWDED,
  });
  const recordRows = all
    ? feed.histogram("db.client.response.returned_rows", {
        unit: "{row}",
        description: "The actual number of records returned by the database operation.",
        boundaries: ROW_BOUNDARIES,
        names: DETAILED,
        crowded: CROWDED,
      })
    : undefined;

  feed.on<OperationEvent>(`tracing:${SOURCES.operation}:asyncEnd`, (event) => {
    const durationMs = performance.now() - event.startedAt;
    // A core that does not say when a call began is none that this can be used with.
    if (!(durationMs >= 0)) throw new TypeError("expected a call with its start");
    const { target, driver, namespace, kind, collection, rows } = event;
    const error = errorTypeOf(event);
    const values: LabelValue[] = [target?.system ?? driver, namespace, kind, error];
    if (detailed) values.push(collection, target?.address, target?.port);
    if (rows !== undefined) recordRows?.(rows, values);
    if (all) values.push(textOf(event.text)?.summary, statusCodeOf(event));
    recordDuration(durationMs / 1_000, values);
  });
}
