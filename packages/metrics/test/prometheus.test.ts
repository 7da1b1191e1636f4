import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { instrument } from "../src/index.ts";
import { type Prometheus, type PrometheusOptions, prometheus } from "../src/prometheus.ts";
import { register, service } from "./support/workload.ts";

function instrumented(options?: PrometheusOptions): { endpoint: Prometheus; provider: MeterProvider } {
  const endpoint = prometheus(options);
  const provider = new MeterProvider({ readers: [endpoint.reader] });
  const metrics = instrument({ meterProvider: provider });
  onTestFinished(() => metrics.shutdown());
  return { endpoint, provider };
}

async function serve({ handler }: Prometheus): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
}

describe("a /metrics route", () => {
  test("answers with the text format that Prometheus asks for", async () => {
    const { endpoint } = instrumented();
    await (await service()).read("notes:1");
    const response = await fetch(await serve(endpoint));
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    const text = await response.text();
    expect(text).toContain("# TYPE db_client_operation_duration histogram\n");
    expect(text).toContain(
      'db_client_operation_duration_count{db_system_name="surrealdb",db_namespace="shop|main",db_operation_name="read"} 1\n',
    );
    expect(text).toContain("target_info{");
    expect(text).not.toContain("otel_scope");
    expect(text.endsWith("\n")).toBe(true);
  });

  test("answers a request of fetch alike", async () => {
    const { endpoint } = instrumented({ prefix: "shop", scopeLabels: true, targetInfo: false });
    const response = await endpoint.fetch(new Request("http://service/metrics"));
    const text = await response.text();
    expect(text).toContain('shop_database_build_info{version="');
    expect(text).toContain('otel_scope_name="@db/metrics"');
    expect(text).not.toContain("target_info");
  });

  test("answers HEAD without a body and refuses what would change something", async () => {
    const { endpoint } = instrumented();
    const url = await serve(endpoint);
    const head = await fetch(url, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const post = await fetch(url, { method: "POST", body: "x" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("says 503, without the reason's text, where nothing can be collected", async () => {
    const alone = prometheus();
    const url = await serve(alone);
    expect((await fetch(url)).status).toBe(503);
    await expect(alone.text()).rejects.toThrow();

    const { endpoint, provider } = instrumented();
    provider
      .getMeter("other")
      .createObservableGauge("broken")
      .addCallback(() => {
        throw new Error("SECRET");
      });
    const response = await endpoint.fetch(new Request("http://service/metrics"));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("SECRET");
    await expect(endpoint.text()).rejects.toThrow("metrics could not be collected");
  });

  test("collects once for all who ask at the same time", async () => {
    const { endpoint } = instrumented();
    const collect = vi.spyOn(endpoint.reader, "collect");
    const [first, second] = await Promise.all([endpoint.text(), endpoint.text()]);
    expect(second).toBe(first);
    await endpoint.text();
    expect(collect).toHaveBeenCalledTimes(2);
  });

  test("still answers when a component is hostile", async () => {
    const { endpoint } = instrumented();
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
    onTestFinished(register({ kind: "queue", name: "hostile", stats: () => null }));
    expect((await endpoint.fetch(new Request("http://service/metrics"))).status).toBe(200);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  test("survives a client that leaves in the middle", async () => {
    const { endpoint } = instrumented();
    const url = await serve(endpoint);
    const client = request(url);
    client.on("error", () => {});
    client.end();
    await once(client, "socket");
    client.destroy();
    expect((await fetch(url)).status).toBe(200);
  });
});
