import type { DatabaseService } from "@db/core";
import type { Prometheus } from "@db/metrics/prometheus";
import type { WriteQueue } from "@db/queue";
import type { TracerProvider } from "@opentelemetry/api";
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { accessLog } from "./access-log.ts";
import { docsRoutes } from "./docs-routes.ts";
import type { AppEnv } from "./env.ts";
import { EventStreams } from "./event-streams.ts";
import { commonHeaders, dropBodyOfHead } from "./headers.ts";
import { healthRoutes } from "./health-routes.ts";
import type { Logger } from "./logger.ts";
import { metricsRoutes } from "./metrics-routes.ts";
import { noteResource } from "./notes.ts";
import { type ApiDocument, apiDocument } from "./openapi.ts";
import { operationRoutes } from "./operation-routes.ts";
import { type OpsOptions, opsRoutes } from "./ops-routes.ts";
import { HttpFault, respondWithProblem } from "./problem.ts";
import type { Resource } from "./resource.ts";
import { resourceRoutes } from "./resource-routes.ts";
import { serverSpans } from "./server-spans.ts";

export interface AppOptions {
  readonly db: DatabaseService;
  readonly logger: Logger;
  /** Default the notes. */
  readonly resources?: readonly Resource[];
  /** Of a request's body, in bytes. Default 786,432: twice what 10,000 emoji of 35 bytes need. */
  readonly bodyLimitBytes?: number;
  /** Default `0.0.0`. */
  readonly version?: string;
  /** True while the service is being stopped. Default never. */
  readonly isDraining?: () => boolean;
  /** True once the database was reached for the first time. Default always. */
  readonly isStarted?: () => boolean;
  /** Where writes wait while the database is away. Default nowhere. */
  readonly queue?: WriteQueue;
  /** What `/metrics` shows. Default nothing. */
  readonly metrics?: Prometheus;
  /** Makes a span for each request. Default none. */
  readonly tracerProvider?: TracerProvider;
  /** Keeps open streams of server-sent events; whoever stops the service closes it. Default one of its own. */
  readonly streams?: EventStreams;
  /** The operator page. Default none. */
  readonly ops?: OpsOptions;
}

/** The whole service but its port: tests ask it with `app.request(…)`. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const { db, logger, resources = [noteResource], bodyLimitBytes = 786_432, version = "0.0.0" } = options;
  const streams = options.streams ?? new EventStreams();
  const isDraining = options.isDraining ?? (() => false);
  const isStarted = options.isStarted ?? (() => true);
  const app = new Hono<AppEnv>();
  app.use(requestId());
  if (options.tracerProvider !== undefined) app.use(serverSpans(options.tracerProvider));
  app.use(accessLog(logger));
  app.use(commonHeaders(isDraining));
  app.use(dropBodyOfHead);
  app.route("/", healthRoutes({ db, queue: options.queue, version, isDraining, isStarted }));
  if (options.queue !== undefined) app.route("/", operationRoutes(db, options.queue));
  if (options.metrics !== undefined) app.route("/", metricsRoutes(options.metrics));
  if (options.ops !== undefined) app.route("/", opsRoutes(options.ops));
  for (const resource of resources) app.route("/", resourceRoutes(resource, { db, logger, streams, bodyLimitBytes }));
  app.route(
    "/",
    docsRoutes((): Promise<ApiDocument> => apiDocument(app, { resources, version })),
  );
  app.notFound((c) => respondWithProblem(c, new HttpFault(404, "nothing is at this path")));
  app.onError((error, c) => respondWithProblem(c, error));
  return app;
}
