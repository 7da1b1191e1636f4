import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createNoopMeter } from "@opentelemetry/api";
import { expect, test } from "vitest";
import { instrument, watchSlowCalls } from "../src/index.ts";
import { prometheus } from "../src/prometheus.ts";

const folder = new URL("..", import.meta.url);
const readme = await readFile(new URL("README.md", folder), "utf8");
const [, setup = ""] = /```ts no_run\n(.*?)```/s.exec(readme) ?? [];

/** What its reader's program would go on with. */
const rest = `
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { once } from "node:events";
if (!server.listening) await once(server, "listening");
const db = createDatabase({ driver: new MockDatabase() });
await db.connect();
await db.create("notes", { title: "hello" });
const text = await (await fetch("http://127.0.0.1:" + server.address().port + "/metrics")).text();
console.log(/^db_client_operation_duration_count.*$/m.exec(text)[0]);
console.log(metrics.selfCheck().problems);
await db.disconnect();
slow.stop();
server.close();
await tracerProvider.forceFlush();
await metrics.shutdown();
`;

test("the setup of the README is fifteen lines and works", { timeout: 30_000 }, async () => {
  expect(setup.trim().split("\n")).toHaveLength(15);
  // Any port: the one of the README may be taken.
  const program = setup.replace("9464", "0") + rest;
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: fileURLToPath(folder) });
  const shown = stdout.split("\n");
  expect(shown[1]).toContain("nothing has read the metrics yet");
  expect(stdout).toMatch(/db_client_operation_duration_count\{.*db_operation_name="create".*\} 1\n\[\]\n/);
  expect(stdout).toContain("name: 'create notes'");
});

test("the tables have every option there is", () => {
  const known = (make: (options: never) => unknown): string[] => {
    try {
      make({ unknown: 1 } as never);
    } catch (error) {
      return (error as Error).message.split("expected one of ")[1]?.split(", ") ?? [];
    }
    return [];
  };
  const options = [...known(instrument), ...known(watchSlowCalls), ...known(prometheus)];
  expect(options.length).toBe(15);
  for (const option of options) expect(readme).toMatch(new RegExp(`^\\| .*\`${option}[\`(].* \\|`, "m"));
});

test("the tables have every instrument there is", async () => {
  await using metrics = instrument({ level: "all", meterProvider: { getMeter: createNoopMeter } });
  const names = Object.keys(metrics.selfCheck().series);
  expect(names.length).toBeGreaterThan(20);
  // Of names with the same beginning the first is told in full.
  const short = (name: string): string => name.replace(/^(db\.client\.connection|database\.write_queue)(?=\.)/, "");
  for (const name of names) {
    expect([name, readme.includes(`\`${name}\``) || readme.includes(`\`${short(name)}\``)]).toEqual([name, true]);
  }
});
