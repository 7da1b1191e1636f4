import type { DatabaseHealth, DatabaseService } from "@db/core";
import { livePools } from "@db/pool";
import type { WriteQueue } from "@db/queue";
import { Hono } from "hono";
import { type DescribeRouteOptions, describeRoute } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { problems, RETRY_AFTER } from "./operations.ts";
import { respondWithProblem, UnavailableFault } from "./problem.ts";

export interface HealthContext {
  readonly db: DatabaseService;
  readonly queue: Pick<WriteQueue, "stats"> | undefined;
  readonly version: string;
  readonly isDraining: () => boolean;
  /** Whether the first connection was made. */
  readonly isStarted: () => boolean;
}

type Status = "pass" | "warn" | "fail";

/** `/livez` for whoever restarts the process, `/readyz` for whoever sends it requests, `/health` for people. */
export function healthRoutes({ db, queue, version, isDraining, isStarted }: HealthContext): Hono<AppEnv> {
  const app = new Hono<AppEnv>();

  // Never asks the database: restarting the service does not bring that back.
  app.get("/livez", describeRoute(about("is_alive", "Whether the process runs")), (c) => c.json({ status: "pass" }));

  // For whoever must not judge a service that still waits for its database.
  app.get("/startupz", describeRoute(about("is_started", "Whether the start is over", problems([503]))), (c) => {
    if (isStarted()) return c.json({ status: "pass" });
    return respondWithProblem(c, new UnavailableFault("the service waits for its database", 1));
  });

  app.get("/readyz", describeRoute(about("is_ready", "Whether requests can be served", problems([503]))), async (c) => {
    if (isDraining()) return respondWithProblem(c, new UnavailableFault("the service is being stopped", 1));
    const health = await db.healthCheck();
    const status = statusOf(health);
    if (status !== "fail") return c.json({ status });
    return respondWithProblem(c, new UnavailableFault(`the database is ${health.status}`, retryAfterOf(health)));
  });

  app.get("/health", describeRoute(aboutHealth), async (c) => {
    const health = await db.healthCheck();
    const status = isDraining() ? "fail" : withQueue(statusOf(health), queue);
    const checks = { "db:responseTime": [responseTime(health)], ...poolChecks(), ...queueChecks(queue) };
    const document = { status, version, checks };
    const headers = { "content-type": "application/health+json" };
    if (status !== "fail") return c.body(JSON.stringify(document), 200, headers);
    return c.body(JSON.stringify(document), 503, { ...headers, "retry-after": String(retryAfterOf(health)) });
  });

  for (const path of ["/livez", "/startupz", "/readyz", "/health"]) app.all(path, methodNotAllowed("GET, HEAD"));
  return app;
}

/** While the connection is down but for a short time, requests are still taken: most outages end before their deadline. */
function statusOf(health: DatabaseHealth): Status {
  if (health.status === "healthy") return "pass";
  return health.status === "degraded" ? "warn" : "fail";
}

/** Whole seconds until the next dial, at least 1. */
function retryAfterOf(health: DatabaseHealth): number {
  return "retryAfterMs" in health ? Math.max(1, Math.ceil((health.retryAfterMs ?? 0) / 1_000)) : 1;
}

/** A queue that has failed stores nothing in the next outage; until then all works. */
function withQueue(status: Status, queue: HealthContext["queue"]): Status {
  return status === "pass" && queue?.stats().state === "failed" ? "warn" : status;
}

function responseTime(health: DatabaseHealth): object {
  const common = { componentType: "datastore", time: new Date().toISOString(), status: statusOf(health) };
  if (health.status === "healthy") return { ...common, observedValue: health.responseTimeMs, observedUnit: "ms" };
  // The code says enough; the message may name hosts.
  const output = "reason" in health ? (/^[A-Z_]+(?=:)/.exec(health.reason)?.[0] ?? health.status) : health.status;
  return { ...common, output };
}

function poolChecks(): object {
  const pools = livePools().map((pool) => pool.stats());
  if (pools.length === 0) return {};
  const measured = pools.map(({ name, inUse, max, waiting }) => ({
    componentId: name,
    componentType: "component",
    observedValue: Math.round((inUse / max) * 100),
    observedUnit: "percent",
    status: waiting > 0 ? "warn" : "pass",
  }));
  return { "pool:utilization": measured };
}

function queueChecks(queue: HealthContext["queue"]): object {
  if (queue === undefined) return {};
  const { name: componentId, state, pending, dead, oldestAgeMs, maxEntries } = queue.stats();
  const common = { componentId, componentType: "component" };
  const depth = state === "failed" ? "fail" : dead > 0 || pending > maxEntries / 2 ? "warn" : "pass";
  const age = pending > 0 ? "warn" : "pass";
  return {
    "queue:depth": [{ ...common, observedValue: pending, observedUnit: "writes", status: depth }],
    "queue:oldestAge": [{ ...common, observedValue: oldestAgeMs, observedUnit: "ms", status: age }],
  };
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
    503: { description: "It cannot work.", content: healthBody, headers: RETRY_AFTER },
  },
};
