/** Which limit passed: that of the attempt or that of the whole call. */
export type TimeoutLimit = "attempt" | "elapsed";

/**
 * An attempt did not end in time. What it was doing may still happen: it was told by its signal, whose reason this is. The
 * `cause` is the error of the attempt before, if there was one.
 */
export class RetryTimeoutError extends Error {
  readonly limit: TimeoutLimit;
  readonly timeoutMs: number;
  /** Trying again can help. Whether the attempt may be repeated is for the caller to know. */
  readonly retryable: boolean = true;

  constructor(limit: TimeoutLimit, timeoutMs: number, details: { readonly cause?: unknown } = {}) {
    const message =
      limit === "attempt"
        ? `the attempt did not end within ${timeoutMs} ms`
        : `the call did not end within ${timeoutMs} ms, all attempts together`;
    super(message, "cause" in details ? details : undefined);
    this.name = "RetryTimeoutError";
    this.limit = limit;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Why there is no further attempt: the predicate said no; there were as many as allowed; the time is up or would be
 * before the next one; the budget is used up; the caller's signal fired.
 */
export type GiveUpReason = "not-retryable" | "max-attempts" | "max-elapsed" | "budget-exhausted" | "aborted";

/** How a call failed, told beside its error. */
export interface RetryReport {
  readonly attempts: number;
  readonly reason: GiveUpReason;
}

const reports = new WeakMap<object, RetryReport>();

/** An abort's reason is shared by all calls that it ends, so it carries no report; nor can a thrown primitive. */
export function keepReport(error: unknown, report: RetryReport): void {
  if (report.reason === "aborted") return;
  if ((typeof error === "object" && error !== null) || typeof error === "function") reports.set(error, report);
}

/** What a retry tells of an error that it gave up with: the last to do so, where one error was thrown by several calls. */
export function reportOf(error: unknown): RetryReport | undefined {
  return typeof error === "object" || typeof error === "function" ? reports.get(error as object) : undefined;
}

/** How many attempts ended in this error; undefined if it does not come out of a retry. */
export function attemptsOf(error: unknown): number | undefined {
  return reportOf(error)?.attempts;
}

/** Thrown values may be anything, also what throws again when looked at. */
function look<T>(error: unknown, read: (error: { readonly [key: string]: unknown }) => T): T | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return read(error as { readonly [key: string]: unknown });
  } catch {
    return undefined;
  }
}

/** The default predicate: the error says of itself that trying again can help. A mistake of the program never does. */
export function isRetryable(error: unknown): boolean {
  return look(error, ({ retryable }) => retryable) === true;
}

/** The error says of itself that the same again will fail the same. */
export function isRefusal(error: unknown): boolean {
  return look(error, ({ retryable }) => retryable) === false;
}

/** By the name that every platform gives it. */
export function isAbort(error: unknown): boolean {
  return look(error, ({ name }) => name) === "AbortError";
}

/** How long the one that refused asks us to stay away, from the error or its `facts`. */
export function hintOf(error: unknown): number {
  const hint = look(error, ({ retryAfterMs, facts }) =>
    retryAfterMs === undefined ? look(facts, (found) => found.retryAfterMs) : retryAfterMs,
  );
  return typeof hint === "number" && hint > 0 && hint < Number.POSITIVE_INFINITY ? hint : 0;
}

/** For telemetry: the code, else the name, never the message. */
export function typeOf(error: unknown): string {
  const found = look(error, ({ code, name }) => (typeof code === "string" ? code : name));
  return typeof found === "string" ? found : typeof error;
}
