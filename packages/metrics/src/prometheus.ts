import type { IncomingMessage, ServerResponse } from "node:http";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { checkKeys, expected } from "./options.ts";

/** What `prometheus` takes. */
export interface PrometheusOptions {
  /** Before the name of each metric, with an underscore behind it. Default none. */
  readonly prefix?: string;
  /** Whether each line says which library it is of (`otel_scope_name`, `otel_scope_version`). Default false. */
  readonly scopeLabels?: boolean;
  /** Whether there is `target_info` with the attributes of the resource. Default true. */
  readonly targetInfo?: boolean;
}

/** What `prometheus` gives. */
export interface Prometheus {
  /** For `new MeterProvider({ readers: [reader] })`, which also shuts it down. */
  readonly reader: PrometheusExporter;
  /**
   * All metrics in Prometheus' text format. Calls at the same time share one collection.
   * @throws Error if no meter provider has the reader
   */
  text(): Promise<string>;
  /** For `node:http` and what is made like it: answers 200, or 405 to anything but GET and HEAD, or 503 with the reason. */
  handler(request: IncomingMessage, response: ServerResponse): void;
  /** The same for frameworks that speak `fetch`: `app.get("/metrics", (c) => metrics.fetch(c.req.raw))`. */
  fetch(request: Request): Promise<Response>;
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";

/**
 * What a `/metrics` route answers with. It opens no port of its own.
 * @throws TypeError for an option that is unknown or wrong
 */
export function prometheus(options: PrometheusOptions = {}): Prometheus {
  checkKeys("prometheus", options, ["prefix", "scopeLabels", "targetInfo"]);
  const { prefix, scopeLabels = false, targetInfo = true } = options;
  if (prefix !== undefined && !(typeof prefix === "string" && /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(prefix))) {
    throw expected("prefix", "letters, digits and underscores", prefix);
  }
  for (const [option, value] of Object.entries({ scopeLabels, targetInfo })) {
    if (typeof value !== "boolean") throw expected(option, "a boolean", value);
  }
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer(prefix, false, undefined, !targetInfo, !scopeLabels);
  let underWay: Promise<string> | undefined;

  const collect = async (): Promise<string> => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new Error("metrics could not be collected", { cause: errors[0] });
    return `${serializer.serialize(resourceMetrics).trimEnd()}\n`;
  };
  const text = (): Promise<string> => {
    underWay ??= collect().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const answer = async (method: string): Promise<Answer> => {
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, headers: { "content-type": PLAIN, allow: "GET, HEAD" }, body: "expected GET or HEAD\n" };
    }
    try {
      const body = await text();
      return { status: 200, headers: { "content-type": CONTENT_TYPE }, body: method === "HEAD" ? "" : body };
    } catch {
      // The error may hold anything; what to look at is known.
      const body = "the metrics could not be collected: is the reader in a MeterProvider that is not shut down?\n";
      return { status: 503, headers: { "content-type": PLAIN }, body };
    }
  };
  return {
    reader,
    text,
    handler(request, response) {
      answer(request.method ?? "GET").then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        () => response.destroy(),
      );
    },
    async fetch(request) {
      const { status, headers, body } = await answer(request.method);
      return new Response(body, { status, headers });
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}
