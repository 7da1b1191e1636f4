import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ERROR_CODES } from "@db/core";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { instrument } from "../src/index.ts";
import { prometheus } from "../src/prometheus.ts";
import { run, toolsOrSkip } from "./support/prometheus-tools.ts";
import { work } from "./support/workload.ts";

const tools = toolsOrSkip();
const promtool = tools?.promtool ?? "";
const folder = new URL("../dashboards/", import.meta.url);
const read = (name: string): Promise<string> => readFile(new URL(name, folder), "utf8");
const namesOf = (rules: string, kind: "alert" | "record"): string[] =>
  [...rules.matchAll(new RegExp(`- ${kind}: (\\S+)`, "g"))].map(([, name = ""]) => name);

/** What `/metrics` says after one of everything. */
async function recorded(): Promise<string> {
  const endpoint = prometheus();
  await using _ = instrument({ level: "all", meterProvider: new MeterProvider({ readers: [endpoint.reader] }) });
  await work();
  await endpoint.text();
  return endpoint.text();
}

let rules = "";
let alerts = "";
beforeAll(async () => {
  [rules, alerts] = await Promise.all([read("recording-rules.yaml"), read("alerts.yaml")]);
});

describe.skipIf(tools === undefined)("with promtool", () => {
  test("rules and alerts are correct", async () => {
    const outcome = await run(promtool, ["check", "rules", "recording-rules.yaml", "alerts.yaml"], folder);
    expect(outcome).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining(`SUCCESS: ${namesOf(alerts, "alert").length} rules found`),
    });
  });

  test("each rule and alert does what it says on a course of scrapes", async () => {
    const tests = new URL("./rules/", import.meta.url);
    const told = await readFile(new URL("rules.test.yaml", tests), "utf8");
    for (const name of namesOf(rules, "record")) expect(told).toContain(`- expr: ${name}\n`);
    for (const name of namesOf(alerts, "alert")) {
      expect(told).toContain(`alertname: ${name}, exp_alerts: []`);
      expect(told).toMatch(new RegExp(`alertname: ${name}\\n\\s+exp_alerts:\\n\\s+- exp_labels`));
    }
    expect(await run(promtool, ["test", "rules", "rules.test.yaml"], tests)).toMatchObject({ exitCode: 0 });
  });

  test("the text of /metrics is accepted; the only remark is on the name that the conventions give", async () => {
    const { exitCode, output } = await run(promtool, ["check", "metrics"], undefined, await recorded());
    const remarks = output
      .trim()
      .split("\n")
      .filter((line) => line !== "");
    expect(remarks).toEqual([
      'db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix',
    ]);
    expect(exitCode).toBe(3);
  });

  test("each query of the dashboard finds something in what was recorded", async () => {
    const dashboard = JSON.parse(await read("grafana-dashboard.json")) as {
      readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
    };
    const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
    expect(queries.length).toBeGreaterThan(25);
    const scratch = await mkdtemp(join(tmpdir(), "db-dashboard-"));
    onTestFinished(() => rm(scratch, { recursive: true }));
    const file = join(scratch, "dashboard.test.yaml");
    await writeFile(
      file,
      dashboardTest(
        queries.map(({ expr }) => expr),
        await recorded(),
      ),
    );
    const { exitCode, output } = await run(promtool, ["test", "rules", file]);
    expect(output).not.toContain("FAILED");
    expect(exitCode).toBe(0);
  });
});

test("the codes that count as failures of the database are codes that there are", () => {
  const [, listed = ""] = /error_type=~"([^"]+)"/.exec(rules) ?? [];
  const codes = listed.split("|").filter((code) => code !== "_other");
  expect(codes.length).toBeGreaterThan(10);
  for (const code of codes) expect(ERROR_CODES).toContain(code);
});

/** The recorded series, each growing from scrape to scrape as a counter does, and each query counted on them. */
function dashboardTest(queries: readonly string[], text: string): string {
  // An alert of a giving up is not in the workload.
  const extra = [
    'database_retry_attempts_total{db_operation_name="read",error_type="CONFLICT",outcome="max-attempts"} 1',
  ];
  const series = [...text.split("\n").filter((line) => line !== "" && !line.startsWith("#")), ...extra].map((line) => {
    const at = line.lastIndexOf(" ");
    const name = line.slice(0, at);
    const value = Number(line.slice(at + 1));
    const labelled = name.includes("{")
      ? name.replace("{", '{job="notes",instance="a",')
      : `${name}{job="notes",instance="a"}`;
    const grows = /_(total|count|sum|bucket)\{/.test(name) && !name.startsWith("db_client_connection_count");
    return `      - series: '${labelled}'\n        values: '${value}+${grows ? value : 0}x80'`;
  });
  const tests = queries.map((query) => {
    const plain = query.replaceAll(/\$(job|instance)/g, ".*").replaceAll("$__rate_interval", "1m");
    return `      - expr: 'count(${plain.replaceAll("'", "''")}) > bool 0'\n        eval_time: 15m\n        exp_samples:\n          - labels: '{}'\n            value: 1`;
  });
  const load = ["recording-rules.yaml", "alerts.yaml"].map((name) => `  - ${new URL(name, folder).pathname}`);
  return `rule_files:\n${load.join("\n")}\nevaluation_interval: 15s\ntests:\n  - interval: 15s\n    input_series:\n${series.join("\n")}\n    promql_expr_test:\n${tests.join("\n")}\n`;
}
