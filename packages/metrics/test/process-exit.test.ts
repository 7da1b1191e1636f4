import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = `
import { createDatabase, defineDriver } from "@db/core";
import { instrument, watchSlowCalls } from "@db/metrics";
import { prometheus } from "@db/metrics/prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
const { reader, text } = prometheus();
instrument({ level: "all", meterProvider: new MeterProvider({ readers: [reader] }) });
watchSlowCalls({ log: () => {} });
const db = createDatabase({ driver: defineDriver({ name: "fake", statements: { read: async () => undefined } }) });
await db.connect();
await db.read("notes:1");
await text();
console.log("done");
`;

test("a process ends by itself though nothing was shut down", { timeout: 30_000 }, async () => {
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "--eval", program];
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 20_000 });
  expect(stdout).toBe("done\n");
});
