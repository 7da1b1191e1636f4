import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, onTestFinished, test } from "vitest";
import { instrument } from "../src/index.ts";
import { prometheus } from "../src/prometheus.ts";
import { toolsOrSkip } from "./support/prometheus-tools.ts";
import { service, work } from "./support/workload.ts";

const tools = toolsOrSkip();

test.skipIf(tools === undefined)(
  "a real Prometheus scrapes /metrics, loads the rules and answers their queries",
  async () => {
    const endpoint = prometheus();
    const metrics = instrument({ level: "all", meterProvider: new MeterProvider({ readers: [endpoint.reader] }) });
    onTestFinished(() => metrics.shutdown());
    const server = createServer(endpoint.handler).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());

    await work();
    const api = await start(tools?.prometheus ?? "", (server.address() as AddressInfo).port);
    const query = async (expr: string): Promise<readonly Sample[]> => {
      const response = await fetch(`${api}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { data } = (await response.json()) as { readonly data: { readonly result: readonly Sample[] } };
      return data.result;
    };
    const until = async (expr: string, holds: (samples: readonly Sample[]) => boolean): Promise<readonly Sample[]> => {
      for (const end = performance.now() + 60_000; ; await setTimeout(200)) {
        const samples = await query(expr).catch(() => []);
        if (holds(samples)) return samples;
        if (performance.now() > end) throw new Error(`${expr}: expected other samples, got ${JSON.stringify(samples)}`);
      }
    };
    const some = (samples: readonly Sample[]): boolean => samples.length > 0;

    await until("up == 1", some);
    const [reads] = await until('db_client_operation_duration_count{db_operation_name="read"}', some);
    expect(reads?.value[1]).toBe("3");

    const db = await service("busy");
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => db.find("notes", {})));
      await setTimeout(200);
    }
    const [quantile] = await until('database:operation_duration:p99{db_operation_name="find"} > 0', some);
    expect(Number(quantile?.value[1])).toBeLessThan(10);
    await until('database:operations:rate1m{db_operation_name="find"} > 1', some);
    await until('database_connection_state{state="connected"} == 1', some);
    await until('ALERTS{alertname="DatabaseDeadLetters", alertstate="firing"}', some);
  },
);

interface Sample {
  readonly value: readonly [time: number, value: string];
}

/** Returns the address of its API. */
async function start(program: string, target: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "db-prometheus-"));
  const rules = fileURLToPath(new URL("../dashboards/", import.meta.url));
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [`${rules}recording-rules.yaml`, `${rules}alerts.yaml`],
    scrape_configs: [{ job_name: "notes", static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
  };
  // JSON is YAML.
  await writeFile(join(folder, "prometheus.yaml"), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, "prometheus.yaml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  onTestFinished(async () => {
    await stop(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return `http://127.0.0.1:${port}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
