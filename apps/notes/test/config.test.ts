import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { prometheus } from "@db/metrics/prometheus";
import { WriteQueue } from "@db/queue";
import { describe, expect, test } from "vitest";
import { banner } from "../src/banner.ts";
import { ConfigFault, readConfig } from "../src/config.ts";
import { help } from "../src/help.ts";
import { settings } from "../src/settings.ts";
import { startApp } from "./harness.ts";

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
}

test("an empty environment gives the defaults", () => {
  expect(readConfig({})).toEqual({
    port: 8080,
    host: "127.0.0.1",
    dataDir: resolve("data"),
    url: `rocksdb://${resolve("data/notes")}`,
    logLevel: "info",
    namespace: "notes",
    database: "notes",
    operationTimeoutMs: 30_000,
    startupMaxWaitMs: 600_000,
    shutdownTimeoutMs: 10_000,
    drainDelayMs: 200,
    bodyLimitBytes: 786_432,
    slowCallMs: 250,
    username: "",
    password: "",
    operatorToken: "",
    labUrl: "",
    unavailableAfterMs: 30_000,
    poolMin: 1,
    poolMax: 64,
    queueMaxEntries: 1_000_000,
    metricsLevel: "basic",
    tracesUrl: "",
  });
  expect(readConfig({ PORT: "", DATA_DIR: "/srv/x" })).toMatchObject({ port: 8080, url: "rocksdb:///srv/x/notes" });
});

test.each<[string, string, string, unknown]>([
  ["PORT", "0", "port", 0],
  ["PORT", "65535", "port", 65_535],
  ["HOST", "::1", "host", "::1"],
  ["HOST", "localhost", "host", "localhost"],
  ["LOG_LEVEL", "debug", "logLevel", "debug"],
  ["SURREAL_URL", "mem://", "url", "mem://"],
  ["SURREAL_URL", "surrealkv:///a b?sync=every", "url", "surrealkv:///a b?sync=every"],
  ["DB_OPERATION_TIMEOUT", "2.5", "operationTimeoutMs", 2_500],
  ["STARTUP_MAX_WAIT", "1", "startupMaxWaitMs", 1_000],
  ["SHUTDOWN_TIMEOUT", "0.1", "shutdownTimeoutMs", 100],
  ["DRAIN_DELAY", "0", "drainDelayMs", 0],
  ["BODY_LIMIT", "1024", "bodyLimitBytes", 1_024],
  ["SURREAL_NAMESPACE", "a-b_1", "namespace", "a-b_1"],
])("%s=%s is taken", (variable, text, key, value) => {
  expect(readConfig({ [variable]: text })).toHaveProperty(key, value);
});

test.each([
  ["PORT", ["-1", "65536", "80.5", "http", "8080 ", "0x50", "1e3"]],
  ["HOST", ["a b", "http://x", "x/y"]],
  ["DATA_DIR", ["a?b", "a\0b", " ", " \t\n"]],
  ["LOG_LEVEL", ["verbose", "INFO"]],
  [
    "SURREAL_URL",
    ["redis://x", "rocksdb://", "rocksdb", "ws://user:s3cr3t@host", "ws://a b", "wss://:::", "http://x/#y"],
  ],
  ["DB_OPERATION_TIMEOUT", ["0", "-1", "3601", "5s", "Infinity"]],
  ["STARTUP_MAX_WAIT", ["0", "86401"]],
  ["SHUTDOWN_TIMEOUT", ["0"]],
  ["DRAIN_DELAY", ["-1", "601"]],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", ["localhost:4318", "grpc://x:4317", "http://user:s3cr3t@host", "http://"]],
  ["BODY_LIMIT", ["10", "1000000000000"]],
  ["SURREAL_NAMESPACE", ["a b", "a;b", "x".repeat(65)]],
  ["SURREAL_DATABASE", ["`"]],
])("%s is refused for %o, without quoting it", (variable, texts) => {
  for (const text of texts) {
    const faults = faultsOf({ [variable]: text });
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${variable}: expected `))]);
    expect(faults.join()).not.toContain("s3cr3t");
  }
});

test("spans are not sent anywhere at a level that makes none of the database's calls", () => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:4318";
  expect(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT })).toEqual([
    "METRICS_LEVEL: expected detailed or all where OTEL_EXPORTER_OTLP_ENDPOINT is set",
  ]);
  expect(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT, METRICS_LEVEL: "detailed" })).toEqual([]);
});

test("all faults are told at once", () => {
  const faults = faultsOf({ PORT: "x", DATA_DIR: "?", LOG_LEVEL: "x", BODY_LIMIT: "x" });
  expect(faults.map((fault) => fault.split(":")[0])).toEqual(["DATA_DIR", "PORT", "LOG_LEVEL", "BODY_LIMIT"]);
});

describe("every setting, with its default,", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const tables = readme.slice(readme.indexOf("## Configuration"), readme.indexOf("## How it is made"));
  const shown = (fallback: string): string => (fallback === "" ? "none" : fallback);

  test.each(Object.values(settings).map(({ variable, fallback, group }) => [variable, fallback, group]))(
    "%s (%s) is in --help, and in the README under %s",
    (variable, fallback, group) => {
      expect(help()).toContain(`  ${variable} (${shown(fallback)})\n`);
      const from = tables.indexOf(`### ${group}\n`);
      const section = tables.slice(from, tables.indexOf("### ", from + 4) >>> 0);
      expect(section).toContain(`| \`${variable}\` | ${fallback === "" ? "none" : `\`${fallback}\``} |`);
    },
  );

  test("and nothing else is in the README", () => {
    const known = Object.values(settings).map(({ variable }) => variable);
    const rows = [...tables.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, variable]) => variable);
    expect(rows.toSorted()).toEqual(known.toSorted());
  });
});

test("every path of the API is in the README", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  await using queue = await WriteQueue.open({ durability: "memory" });
  const { app } = await startApp({ queue, metrics: prometheus() });
  const { paths } = (await (await app.request("/openapi.json")).json()) as { readonly paths: object };
  for (const path of Object.keys(paths)) {
    const written = path.replace("/notes/{id}", "/notes/notes:<key>").replace("{id}", "<operationId>");
    expect(readme, path).toContain(written);
  }
});

test("the banner tells the address, how to try it, and where the data lies", () => {
  expect(
    banner("http://127.0.0.1:8080", "rocksdb:///srv/data/notes?sync=every"),
  ).toBe(`notes: ready on http://127.0.0.1:8080 (documentation: http://127.0.0.1:8080/docs)

  curl -s http://127.0.0.1:8080/notes -H 'content-type: application/json' \\
    -d '{"title":"Milk","content":"Two litres.","author":"ada"}'

The data lies in /srv/data/notes (rocksdb). Ctrl-C ends the service.
`);
  for (const url of ["mem://", "mem://foo"]) {
    expect(banner("http://x", url)).toContain("The data lies in mem: it is gone at the end.");
  }
});
