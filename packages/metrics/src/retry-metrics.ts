import type { Feed } from "./feed.ts";
import { DURATION_BOUNDARIES, ERROR_TYPE, OPERATION } from "./names.ts";
import { type RetryEvent, SOURCES } from "./sources.ts";

/** Only calls whose first attempt failed come here. */
export function recordRetries(feed: Feed): void {
  const detailed = feed.tells("detailed");
  const names = [OPERATION, ERROR_TYPE, "outcome", ...(detailed ? ["policy"] : [])];
  const countAttempt = feed.counter("database.retry.attempts", {
    unit: "{attempt}",
    description:
      "Attempts that failed or came after a failure: repeated, successful in the end, or why there was no other.",
    names,
    crowded: ["policy"],
  });
  const recordBackoff = detailed
    ? feed.histogram("database.retry.backoff", {
        unit: "s",
        description: "How long was waited between two attempts.",
        boundaries: DURATION_BOUNDARIES,
        names: [OPERATION, "policy"],
        crowded: ["policy"],
      })
    : undefined;
  feed.on<RetryEvent>(SOURCES.retry, ({ operation, errorType, outcome, policy, delayMs }) => {
    countAttempt(1, detailed ? [operation, errorType, outcome, policy] : [operation, errorType, outcome]);
    if (outcome === "retry") recordBackoff?.(delayMs / 1_000, [operation, policy]);
  });
}
