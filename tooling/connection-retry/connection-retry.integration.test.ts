import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/test-connection-retry", import.meta.url));

function start(...args: readonly string[]): ChildProcess & { readonly stdout: NonNullable<ChildProcess["stdout"]> } {
  const child = spawn(SCRIPT, [...args], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  return child as ReturnType<typeof start>;
}

test("shows the wait, the outage and the recovery, and exits with 0", { timeout: 60_000 }, async () => {
  const limits = ["--unavailable-after-ms=700", "--timeout-ms=400"];
  const child = start("--start-after-ms=300", "--steady-ms=700", "--outage-ms=1500", ...limits);
  const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(child.exitCode).toBe(0);
  const course = [
    /state {4}connecting/,
    /connect {2}resolved/,
    /killed \(kill -9\)/,
    /state {4}failed: CONNECTION_FAILED/,
    /state {4}connected, at try \d+/,
    /■ recovered/,
  ];
  const places = course.map((event) => output.search(event));
  expect(places).not.toContain(-1);
  expect(places.toSorted((a, b) => a - b)).toEqual(places);
  // What is asked for now and then comes when it comes.
  expect(output).toMatch(/health {3}starting/);
  expect(output).toMatch(/health {3}unhealthy .*retry after \d+ ms/);
  expect(output).toMatch(/write {4}SERVICE_UNAVAILABLE/);
  expect(output).toMatch(/acknowledged, 0 of them lost/);
  expect(output).toMatch(/ 0 applied twice/);
});

test.each([
  ["while nothing listens", /health {3}starting/, "--start-after-ms=60000"],
  ["while the database starts", /the database starts/, "--start-after-ms=0"],
])("ends cleanly at Ctrl-C %s, with its server", { timeout: 60_000 }, async (_when, moment, option) => {
  const child = start(option);
  const ended = once(child, "close");
  let told = "";
  for await (const line of createInterface(child.stdout)) {
    told += `${line}\n`;
    if (moment.test(line)) child.kill("SIGINT");
  }
  await ended;
  expect(told).toMatch(/nothing listens on port \d+/);
  expect(told).toMatch(/\ninterrupted; the server is stopped and its folder removed\n$/);
  expect(child.exitCode).toBe(130);
});

test("explains itself, and refuses what it does not know", { timeout: 60_000 }, async () => {
  const help = start("--help");
  expect(await text(help.stdout)).toMatch(/^Usage: scripts\/test-connection-retry/);
  const wrong = spawn(SCRIPT, ["--outage-ms=soon"], { stdio: ["ignore", "ignore", "pipe"] });
  const [message] = await Promise.all([text(wrong.stderr), once(wrong, "close")]);
  expect(wrong.exitCode).toBe(2);
  expect(message).toMatch(/^--outage-ms: expected a whole number in 0\.\.600000, got "soon"/);
});
