import type { Prometheus } from "@db/metrics/prometheus";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { problems } from "./operations.ts";
import { UnavailableFault } from "./problem.ts";

/** What Prometheus scrapes. Costs no call of the database. */
export function metricsRoutes(metrics: Prometheus): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get("/metrics", describeRoute(about), async (c) => {
    const answer = await metrics.fetch(c.req.raw);
    if (answer.ok) return answer;
    await answer.body?.cancel();
    throw new UnavailableFault("the figures could not be collected", 1);
  });
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
    ...problems([503]),
  },
};
