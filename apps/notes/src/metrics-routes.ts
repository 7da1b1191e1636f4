import type { Prometheus } from "@db/metrics/prometheus";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";

/** What Prometheus scrapes. Costs no call of the database. */
export function metricsRoutes(metrics: Prometheus): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/metrics", describeRoute(about), (c) => metrics.fetch(c.req.raw));
  app.all("/metrics", methodNotAllowed("GET, HEAD"));
  return app;
}

const about = {
  operationId: "get_metrics",
  summary: "Figures for Prometheus",
  tags: ["health"],
  responses: {
    200: {
      description: "In Prometheus' text format.",
      content: { "text/plain": { schema: { type: "string" as const } } },
    },
    503: {
      description: "They could not be collected.",
      content: { "text/plain": { schema: { type: "string" as const } } },
    },
  },
};
