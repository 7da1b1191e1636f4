import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "./env.ts";

const traceContext = new W3CTraceContextPropagator();
const headers: TextMapGetter<Context> = {
  get: (c, name) => c.req.header(name),
  keys: (c) => Object.keys(c.req.header()),
};

/**
 * A span for each request until its answer begins, a child of what its `traceparent` names, and the parent of what the
 * request asks of the database. It holds the route and not the path: no id, no query.
 */
export function serverSpans(provider: TracerProvider): MiddlewareHandler<AppEnv> {
  const tracer = provider.getTracer("notes");
  return async (c, next) => {
    const { method } = c.req;
    const caller = traceContext.extract(ROOT_CONTEXT, c, headers);
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, caller);
    await context.with(trace.setSpan(caller, span), next);
    const route = routePath(c);
    const { status } = c.res;
    span.updateName(`${method} ${route}`);
    span.setAttributes({
      "http.request.method": method,
      "http.route": route,
      "http.response.status_code": status,
      "notes.request_id": c.get("requestId"),
    });
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", String(status));
    span.end();
  };
}
