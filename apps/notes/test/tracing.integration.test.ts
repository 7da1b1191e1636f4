import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { spawnService, temporaryFolder } from "./child-service.ts";
import { json, note } from "./harness.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** Takes spans as a collector of OpenTelemetry does; or takes the connection, and never answers. */
async function collector(answers: boolean): Promise<{ readonly url: string; readonly spans: Span[] }> {
  const spans: Span[] = [];
  const server = createServer(async (request, response) => {
    const { resourceSpans } = JSON.parse(await text(request)) as Export;
    for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
    if (answers) response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans };
}

test.each([true, false])(
  "spans reach the collector, and the end waits for none that does not answer (%s)",
  async (answers) => {
    const { url: OTEL_EXPORTER_OTLP_ENDPOINT, spans } = await collector(answers);
    const service = spawnService({
      DATA_DIR: await temporaryFolder(),
      METRICS_LEVEL: "detailed",
      OTEL_EXPORTER_OTLP_ENDPOINT,
    });
    const url = await service.ready();
    const { headers, ...request } = json("POST", note);
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    const made = await fetch(`${url}/notes`, { ...request, headers: { ...headers, traceparent } });
    expect(made.status).toBe(201);
    const start = performance.now();
    service.process.kill("SIGTERM");
    expect(await service.exit).toBe(0);
    // What the exporter itself gives a collector.
    expect(performance.now() - start).toBeLessThan(10_000);

    const span = (name: string): Span | undefined => spans.find((one) => one.traceId === TRACE && one.name === name);
    // They were sent before the end; this process may read them after it.
    await expect.poll(() => span("create notes")).toBeDefined();
    expect(span("POST /notes")?.parentSpanId).toBe("b7ad6b7169203331");
    expect(span("create notes")?.parentSpanId).toBe(span("POST /notes")?.spanId);
  },
);
