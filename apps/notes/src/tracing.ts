import { setTimeout as sleep } from "node:timers/promises";
import { context, type TracerProvider } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider as SdkProvider, type SpanExporter } from "@opentelemetry/sdk-trace";

/** A collector that is away must not hold up the end of the service. */
const FLUSH_MS = 500;

/** Where spans are made, and where they go. */
export interface Tracing {
  readonly provider: TracerProvider;
  readonly exporter: SpanExporter;
  /** Sends what was not sent yet, as far as half a second allows. */
  close(): Promise<void>;
}

/** @param url of the collector (OTLP over HTTP); undefined is returned where it is empty */
export function startTracing(url: string, version: string): Tracing | undefined {
  if (url === "") return undefined;
  const exporter = new OTLPTraceExporter({ url: `${url.replace(/\/$/, "")}/v1/traces` });
  const provider = new SdkProvider({
    resource: resourceFromAttributes({ "service.name": "notes", "service.version": version }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  return {
    provider,
    exporter,
    close: () => Promise.race([provider.shutdown(), sleep(FLUSH_MS, undefined, { ref: false })]),
  };
}
