import { AsyncLocalStorage } from "node:async_hooks";
import { tracingChannel } from "node:diagnostics_channel";
import {
  type Attributes,
  type ContextManagementToken,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { errorTypeOf, statusCodeOf } from "./error-type.ts";
import type { Feed } from "./feed.ts";
import {
  COLLECTION,
  ERROR_TYPE,
  NAMESPACE,
  OPERATION,
  QUERY_SUMMARY,
  QUERY_TEXT,
  RETURNED_ROWS,
  SERVER_ADDRESS,
  SERVER_PORT,
  STATUS_CODE,
  SYSTEM,
} from "./names.ts";
import { type OperationEvent, type RetryEvent, SOURCES } from "./sources.ts";
import { textOf } from "./text.ts";

interface OpenSpan {
  /** Let go at its end: what was made during the call, such as a connection, holds on to this for as long as it lives. */
  span: Span | undefined;
  /** Ends its being the active one, as far as the caller's own code goes on. */
  token: ContextManagementToken | undefined;
}

/** Of a call whose span could not be begun. */
const NONE: OpenSpan = { span: undefined, token: undefined };

/**
 * One span for each logical call, with all its attempts: a child of what is active where it was made, and the parent of
 * what begins inside of it.
 */
export function traceOperations(feed: Feed, tracer: Tracer): void {
  const all = feed.tells("all");
  const open = new Map<OperationEvent, OpenSpan>();
  /** Which call a retry belongs to: the library that repeats it knows nothing of spans. */
  const current = new AsyncLocalStorage<OpenSpan>();

  const begin = (event: OperationEvent): OpenSpan => {
    const text = all ? textOf(event.text) : undefined;
    const span = tracer.startSpan(spanName(event, text?.summary), {
      kind: SpanKind.CLIENT,
      attributes: attributesOf(event, text),
    });
    const entry: OpenSpan = { span, token: undefined };
    open.set(event, entry);
    return entry;
  };

  const { start } = tracingChannel<object, OperationEvent>(SOURCES.operation);
  start.bindStore(current, (event) => {
    try {
      return begin(event);
    } catch (fault) {
      feed.faults.note("span", fault);
      return NONE;
    }
  });
  feed.onEnd(() => start.unbindStore(current));

  const channel = (stage: string): string => `tracing:${SOURCES.operation}:${stage}`;
  feed.on<OperationEvent>(channel("start"), (event) => {
    const entry = open.get(event);
    if (entry?.span !== undefined) entry.token = context.attach(trace.setSpan(context.active(), entry.span));
  });
  feed.on<OperationEvent>(channel("end"), (event) => {
    const entry = open.get(event);
    entry?.token?.dispose();
    if (entry !== undefined) entry.token = undefined;
  });
  feed.on<OperationEvent>(channel("asyncEnd"), (event) => {
    const entry = open.get(event);
    open.delete(event);
    const span = entry?.span;
    if (entry === undefined || span === undefined) return;
    entry.span = undefined;
    finish(span, event, all);
  });
  feed.on<RetryEvent>(SOURCES.retry, ({ attempt, delayMs, errorType, outcome }) => {
    current.getStore()?.span?.addEvent("retry", {
      [ERROR_TYPE]: errorType,
      "database.retry.attempt": attempt,
      "database.retry.delay": delayMs / 1_000,
      "database.retry.outcome": outcome,
    });
  });
  feed.onEnd(() => {
    for (const entry of open.values()) {
      entry.span?.end();
      entry.span = undefined;
    }
    open.clear();
  });
}

/** As the conventions have it: the summary, else operation and target. */
function spanName({ kind, collection }: OperationEvent, summary: string | undefined): string {
  return summary ?? (collection === undefined ? kind : `${kind} ${collection}`);
}

function attributesOf(event: OperationEvent, text: ReturnType<typeof textOf>): Attributes {
  const { target, driver, namespace, kind, collection } = event;
  const attributes: Attributes = { [SYSTEM]: target?.system ?? driver, [OPERATION]: kind };
  if (namespace !== undefined) attributes[NAMESPACE] = namespace;
  if (collection !== undefined) attributes[COLLECTION] = collection;
  if (target?.address !== undefined) attributes[SERVER_ADDRESS] = target.address;
  if (target?.port !== undefined) attributes[SERVER_PORT] = target.port;
  if (text !== undefined) attributes[QUERY_TEXT] = text.text;
  if (text?.summary !== undefined) attributes[QUERY_SUMMARY] = text.summary;
  return attributes;
}

/** An error is told by its code: its message may hold what only the caller may see. */
function finish(span: Span, event: OperationEvent, all: boolean): void {
  try {
    const errorType = errorTypeOf(event);
    if (errorType !== undefined) {
      span.setAttribute(ERROR_TYPE, errorType);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    if (!all) return;
    const status = statusCodeOf(event);
    if (status !== undefined) span.setAttribute(STATUS_CODE, status);
    if (event.rows !== undefined) span.setAttribute(RETURNED_ROWS, event.rows);
  } finally {
    span.end();
  }
}
