import { createRequire } from "node:module";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, test } from "vitest";
import type { Level } from "../src/level.ts";
import { seriesOf, telemetry } from "./support/telemetry.ts";
import { work } from "./support/workload.ts";

const { version } = createRequire(import.meta.url)("../package.json") as { readonly version: string };
const runtime = `node ${process.versions.node}`;

const database = 'db.system.name="surrealdb",db.namespace="shop|main"';
const server = 'server.address="db.example",server.port=8000';
const notes = `db.collection.name="notes",${server}`;
const main = 'db.client.connection.pool.name="main"';
const writes = 'queue="writes"';
const states = (owner: string, present: string): string[] =>
  ["disconnected", "connecting", "connected", "failed", "closed"].map(
    (state) => `${owner},state="${state}" ${state === present ? 1 : 0}`,
  );

/** Every instrument with every series of the workload: labels and value, or number of records. */
const basic: Record<string, readonly string[]> = {
  "db.client.operation.duration": [
    `${database},db.operation.name="read" 3`,
    `${database},db.operation.name="update",error.type="NOT_FOUND" 1`,
    `${database},db.operation.name="find" 1`,
    `${database},db.operation.name="query" 1`,
  ],
  "db.client.connection.count": [
    `${main},db.client.connection.state="idle" 1`,
    `${main},db.client.connection.state="used" 0`,
    `${main},db.client.connection.state="checking" 0`,
    `${main},db.client.connection.state="connecting" 0`,
  ],
  "db.client.connection.max": [`${main} 1`],
  "db.client.connection.pending_requests": [`${main} 0`],
  "db.client.connection.timeouts": [`${main} 1`],
  "db.client.connection.wait_time": [`${main} 2`],
  "database.connection.acquires": [`${main} 2`],
  "database.connection.state": [
    ...states('adapter="primary",db.namespace="shop|main"', "connected"),
    ...states(main, "connected"),
  ],
  "database.build_info": [`version="${version}",adapter="primary",server_version="3.0.2",runtime="${runtime}" 1`],
  "database.retry.attempts": [
    'db.operation.name="read",error.type="CONFLICT",outcome="retry" 1',
    'db.operation.name="read",error.type="CONFLICT",outcome="success" 1',
  ],
  "database.write_queue.size": [`${writes} 3`],
  "database.write_queue.dead_letters": [`${writes} 2`],
  "database.write_queue.bytes": [`${writes} 700`],
  "database.write_queue.oldest_age": [`${writes} 1.5`],
  "database.write_queue.enqueued": [`${writes} 1`],
  "database.write_queue.acked": [`${writes} 1`],
  "database.write_queue.rejected": [`${writes},reason="full" 1`, `${writes},reason="closed" 0`],
  "database.write_queue.dead": [`${writes} 1`],
};

const detailed: Record<string, readonly string[]> = {
  ...basic,
  "db.client.operation.duration": [
    `${database},db.operation.name="read",${notes} 3`,
    `${database},db.operation.name="update",error.type="NOT_FOUND",${notes} 1`,
    `${database},db.operation.name="find",${notes} 1`,
    `${database},db.operation.name="query",${server} 1`,
  ],
  "db.client.connection.idle.max": [`${main} 1`],
  "db.client.connection.idle.min": [`${main} 0`],
  "db.client.connection.create_time": [`${main} 2`],
  "db.client.connection.use_time": [`${main} 2`],
  "database.connection.lifetime": [`${main},reason="error" 1`],
  "database.retry.attempts": [
    'db.operation.name="read",error.type="CONFLICT",outcome="retry",policy="primary" 1',
    'db.operation.name="read",error.type="CONFLICT",outcome="success",policy="primary" 1',
  ],
  "database.retry.backoff": ['db.operation.name="read",policy="primary" 1'],
};

const all: Record<string, readonly string[]> = {
  ...detailed,
  "db.client.operation.duration": [
    `${database},db.operation.name="read",${notes} 3`,
    `${database},db.operation.name="update",error.type="NOT_FOUND",${notes},db.response.status_code="-32000" 1`,
    `${database},db.operation.name="find",${notes} 1`,
    `${database},db.operation.name="query",${server},db.query.summary="SELECT notes" 1`,
  ],
  "db.client.response.returned_rows": [
    `${database},db.operation.name="read",${notes} 3`,
    `${database},db.operation.name="find",${notes} 1`,
    `${database},db.operation.name="query",${server} 1`,
  ],
};

async function collected(level: Level): Promise<ReadonlyMap<string, MetricData>> {
  const { collect, metrics } = telemetry({ level });
  await work();
  // The server's version is asked for at the first collection.
  await collect();
  const found = await collect();
  expect(metrics.selfCheck().faults).toBe(0);
  return found;
}

describe.each<[Level, Record<string, readonly string[]>]>([
  ["basic", basic],
  ["detailed", detailed],
  ["all", all],
])("the level %s", (level, expected) => {
  test("tells exactly this of a fixed workload", async () => {
    const shown = Object.fromEntries(
      [...(await collected(level))].map(([name, metric]) => [
        name,
        seriesOf(metric)
          .map(({ labels, value, count }) => `${shownLabels(labels)} ${value ?? count}`)
          .filter((line) => !line.includes('server_version="unknown"'))
          .sort(),
      ]),
    );
    const sorted = Object.fromEntries(Object.entries(expected).map(([name, lines]) => [name, [...lines].sort()]));
    expect(shown).toEqual(sorted);
    expect(JSON.stringify(shown)).not.toContain("SECRET");
  });

  test("calls all that a convention exists for by its name, and all else database.*", async () => {
    const known = new Set<unknown>(Object.values(conventions));
    for (const [name, metric] of await collected(level)) {
      expect(known.has(name) || name.startsWith("database."), name).toBe(true);
      for (const { labels } of seriesOf(metric)) {
        for (const label of Object.keys(labels)) expect(known.has(label) || !label.includes("."), label).toBe(true);
      }
    }
  });
});

test("units and bucket boundaries are those of the conventions", async () => {
  const found = await collected("all");
  const facts = Object.fromEntries([...found].map(([name, { descriptor }]) => [name, descriptor.unit]));
  expect(facts).toMatchObject({
    [conventions.METRIC_DB_CLIENT_OPERATION_DURATION]: "s",
    [conventions.METRIC_DB_CLIENT_CONNECTION_COUNT]: "{connection}",
    [conventions.METRIC_DB_CLIENT_CONNECTION_PENDING_REQUESTS]: "{request}",
    [conventions.METRIC_DB_CLIENT_CONNECTION_TIMEOUTS]: "{timeout}",
    [conventions.METRIC_DB_CLIENT_CONNECTION_WAIT_TIME]: "s",
    [conventions.METRIC_DB_CLIENT_RESPONSE_RETURNED_ROWS]: "{row}",
  });
  const boundaries = (name: string): unknown => {
    const value = found.get(name)?.dataPoints[0]?.value;
    return typeof value === "object" && "buckets" in value ? value.buckets.boundaries : undefined;
  };
  const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
  expect(boundaries("db.client.operation.duration")).toEqual(seconds);
  expect(boundaries("db.client.connection.wait_time")).toEqual(seconds);
  expect(boundaries("db.client.response.returned_rows")).toEqual([
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000,
  ]);
});

function shownLabels(labels: object): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",");
}
