import { storedIdOf } from "@db/models";
import { trace } from "@opentelemetry/api";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { AppEnv } from "./env.ts";
import { errorFacts } from "./error-facts.ts";
import type { Logger } from "./logger.ts";

/**
 * One line a request, with the route and not the path: no id, no query, no body. 500 is an error of ours, 503 and 504
 * are the database's outage.
 */
export function accessLog(logger: Logger): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const start = performance.now();
    await next();
    const { status } = c.res;
    const traceId = trace.getActiveSpan()?.spanContext().traceId;
    const facts = {
      requestId: c.get("requestId"),
      ...(traceId === undefined ? {} : { traceId }),
      method: c.req.method,
      route: routePath(c),
      status,
      durationMs: Math.round((performance.now() - start) * 10) / 10,
    };
    if (status < 500 || c.error === undefined) {
      logger.info(facts, "request");
      return;
    }
    const storedId = storedIdOf(c.error);
    const failure = { ...facts, error: errorFacts(c.error), ...(storedId === undefined ? {} : { storedId }) };
    if (status === 503 || status === 504) logger.warn(failure, "request failed");
    else logger.error(failure, "request failed");
  };
}
