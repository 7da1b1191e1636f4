import { readFileSync } from "node:fs";
import type { ConnectionState, DatabaseHealth } from "@db/core";
import { instrument, type Level } from "@db/metrics";
import type { CloseReason } from "@db/pool";
import type { Outcome, QueueState, RejectReason } from "@db/queue";
import type { GiveUpReason } from "@db/retry";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { describe, expect, test } from "vitest";

const guide = readFileSync(new URL("operating.md", import.meta.url), "utf8");

/** The rows of the table whose head begins so, as cells. */
function table(head: string): readonly (readonly string[])[] {
  const [, block = ""] = guide.split(`\n| ${head} |`);
  const [, , ...rows] = (block.split("\n\n")[0] ?? "").split("\n");
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const inCode = (cell = ""): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

/** Of a column of names and another, by name. */
function column(head: string, index: number): Record<string, string> {
  return Object.fromEntries(table(head).flatMap((row) => inCode(row[0]).map((name) => [name, row[index] ?? ""])));
}

test("each alert that is shipped has a row, with its severity, and no row is of none", () => {
  const alerts = readFileSync(new URL("../../packages/metrics/dashboards/alerts.yaml", import.meta.url), "utf8");
  const shipped = [...alerts.matchAll(/- alert: (\w+).*?severity: (\w+)/gs)];
  expect(shipped.length).toBeGreaterThan(5);
  const told = shipped.map(([, name, severity]) => [name, severity === "critical" ? "page" : "alert"]);
  expect(column("alert", 1)).toEqual(Object.fromEntries(told));
});

test("each metric has a row, with the level from which it is told, and no row is of none", async () => {
  const firstLevel: Record<string, Level> = {};
  for (const level of ["basic", "detailed", "all"] as const) {
    const meterProvider = new MeterProvider();
    const metrics = instrument({ level, meterProvider });
    for (const name of Object.keys(metrics.selfCheck().series)) firstLevel[name] ??= level;
    await metrics.shutdown();
    await meterProvider.shutdown();
  }
  expect(Object.keys(firstLevel).length).toBeGreaterThan(20);
  expect(column("metric", 1)).toEqual(firstLevel);
});

/** Every name of a type: one that is missing does not compile. */
const connection = { disconnected: 1, connecting: 1, connected: 1, failed: 1, closed: 1 };
const health = { starting: 1, healthy: 1, degraded: 1, unhealthy: 1 };
const queue = { detached: 1, waiting: 1, draining: 1, idle: 1, paused: 1, failed: 1, closed: 1 };
const write = { waiting: 1, applied: 1, dead: 1, unknown: 1 };
const rejected = { full: 1, too_large: 1, aborted: 1, storage: 1, unavailable: 1, closed: 1 };
const lifetime = { idle: 1, max_lifetime: 1, error: 1, validation: 1, reset: 1, evicted: 1, surplus: 1, closed: 1 };
const gaveUp = { "not-retryable": 1, "max-attempts": 1, "max-elapsed": 1, "budget-exhausted": 1, aborted: 1 };

describe("every state has a row, and no row is of none", () => {
  test.each([
    ["state", connection satisfies Record<ConnectionState["name"], number>],
    ["health", health satisfies Record<DatabaseHealth["status"], number>],
    ["queue", queue satisfies Record<QueueState, number>],
    ["write", write satisfies Record<Outcome, number>],
  ])("%s", (head, states) => {
    expect(table(head).flatMap(([name]) => inCode(name))).toEqual(Object.keys(states));
  });
});

test.each([
  ["database.retry.attempts", { retry: 1, success: 1, ...(gaveUp satisfies Record<GiveUpReason, number>) }],
  ["database.write_queue.rejected", rejected satisfies Record<RejectReason, number>],
  ["database.connection.lifetime", { ...lifetime, leaked: 1 } satisfies Record<CloseReason, number>],
])("every value of the label of %s is told", (metric, values) => {
  const [row] = table("label").filter(([, of]) => inCode(of).includes(metric));
  expect(inCode(row?.[2])).toEqual(expect.arrayContaining(Object.keys(values)));
});
