import { readFileSync } from "node:fs";
import { createDatabase } from "@db/core";
import { instrument } from "@db/metrics";
import { prometheus } from "@db/metrics/prometheus";
import { ConnectionPool } from "@db/pool";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";

const guide = readFileSync(new URL("operating.md", import.meta.url), "utf8");
const rows = guide.split("\n").filter((line) => line.startsWith("| "));
const isTold = (name: string): boolean => rows.some((row) => row.split("|")[1]?.includes(`\`${name}\``) === true);

test("every alert that the package ships has a row", () => {
  const alerts = readFileSync(new URL("../../packages/metrics/dashboards/alerts.yaml", import.meta.url), "utf8");
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !isTold(name))).toEqual([]);
});

test("every metric that a service with a pool and a queue tells has a row", async () => {
  const { reader, text } = prometheus();
  const meterProvider = new MeterProvider({ readers: [reader] });
  await using _ = instrument({ level: "all", meterProvider });
  await using pool = new ConnectionPool({ create: () => 1, destroy: () => {} });
  await using queue = await WriteQueue.open({ durability: "memory" });
  await using db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
  await db.connect();
  await pool.use(async () => {});
  await db.find("notes");
  const told = [...(await text()).matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => name.replace(/_total$/, ""));
  const rowsAsPrometheus = new Set(
    [...guide.matchAll(/`((?:db|database)\.[a-z_.]+)`/g)].map(([, name = ""]) => name.replaceAll(".", "_")),
  );
  const own = told.filter((name) => /^(db|database)_/.test(name));
  expect(own.length).toBeGreaterThan(10);
  expect(own.filter((name) => !rowsAsPrometheus.has(name))).toEqual([]);
  await meterProvider.shutdown();
});

test.each([
  ...["disconnected", "connecting", "connected", "failed", "closed"],
  ...["starting", "healthy", "degraded", "unhealthy"],
])("the state %s has a row", (state) => {
  expect(isTold(state)).toBe(true);
});
