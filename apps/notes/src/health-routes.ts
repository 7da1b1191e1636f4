import type { DatabaseHealth, DatabaseService } from "@db/core";
import { Hono } from "hono";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { problems } from "./operations.ts";
import { respondWithProblem, UnavailableFault } from "./problem.ts";

export interface HealthContext {
  readonly db: DatabaseService;
  readonly version: string;
  readonly isDraining: () => boolean;
}

type Status = "pass" | "warn" | "fail";

/** `/livez` for whoever restarts the process, `/readyz` for whoever sends it requests, `/health` for people. */
export function healthRoutes({ db, version, isDraining }: HealthContext): Hono<AppEnv> {
  const app = new Hono<AppEnv>();

  // Never asks the database: restarting the service does not bring that back.
  app.get("/livez", describeRoute(about("is_alive", "Whether the process runs")), (c) => c.json({ status: "pass" }));

  app.get("/readyz", describeRoute(about("is_ready", "Whether requests can be served", problems([503]))), async (c) => {
    if (isDraining()) return respondWithProblem(c, new UnavailableFault("the service is being stopped", 1));
    const health = await db.healthCheck();
    const status = statusOf(health);
    if (status !== "fail") return c.json({ status });
    const retryAfter = "retryAfterMs" in health ? Math.max(1, Math.ceil((health.retryAfterMs ?? 0) / 1_000)) : 1;
    return respondWithProblem(c, new UnavailableFault(`the database is ${health.status}`, retryAfter));
  });

  app.get("/health", describeRoute(aboutHealth), async (c) => {
    const health = await db.healthCheck();
    const status = isDraining() ? "fail" : statusOf(health);
    const document = { status, version, checks: { "db:responseTime": [responseTime(health)] } };
    const headers = { "content-type": "application/health+json" };
    return c.body(JSON.stringify(document), status === "fail" ? 503 : 200, headers);
  });

  for (const path of ["/livez", "/readyz", "/health"]) app.all(path, methodNotAllowed("GET, HEAD"));
  return app;
}

/** While the connection is down but for a short time, requests are still taken: most outages end before their deadline. */
function statusOf(health: DatabaseHealth): Status {
  if (health.status === "healthy") return "pass";
  return health.status === "degraded" ? "warn" : "fail";
}

function responseTime(health: DatabaseHealth): object {
  const common = { componentType: "datastore", time: new Date().toISOString(), status: statusOf(health) };
  if (health.status === "healthy") return { ...common, observedValue: health.responseTimeMs, observedUnit: "ms" };
  // The code says enough; the message may name hosts.
  const output = "reason" in health ? (/^[A-Z_]+(?=:)/.exec(health.reason)?.[0] ?? health.status) : health.status;
  return { ...common, output };
}

function about(
  operationId: string,
  summary: string,
  responses: DescribeRouteOptions["responses"] = {},
): DescribeRouteOptions {
  return {
    operationId,
    summary,
    tags: ["health"],
    responses: {
      200: { description: "Yes.", content: { "application/json": { schema: statusSchema } } },
      ...responses,
    },
  };
}

const statusSchema: OpenAPIV3_1.SchemaObject = {
  type: "object",
  properties: { status: { type: "string" } },
  required: ["status"],
};
const healthBody = { "application/health+json": { schema: { $ref: "#/components/schemas/Health" } } };
const aboutHealth: DescribeRouteOptions = {
  operationId: "get_health",
  summary: "How the service is",
  tags: ["health"],
  responses: {
    200: { description: "It works, perhaps with a warning.", content: healthBody },
    503: { description: "It cannot work.", content: healthBody },
  },
};
