import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultProxy, startSurreal } from "@db/testing";
import { expect, test } from "vitest";
import { spawnService, temporaryFolder } from "./child-service.ts";
import { json, note } from "./harness.ts";

const WINDOWS = 5;
const REQUESTS = 200;
const BOUND_MS = 20;

test(`/livez answers within ${BOUND_MS} ms (p99) while the database is a black hole that requests hang in`, async () => {
  await using server = await startSurreal({ engine: "mem" });
  await using proxy = await FaultProxy.start({ target: { port: server.port } });
  const service = spawnService({
    DATA_DIR: await temporaryFolder(),
    SURREAL_URL: proxy.url(server.url),
    SURREAL_USER: "root",
    SURREAL_PASS: "root",
    DB_OPERATION_TIMEOUT: "5",
    LOG_LEVEL: "silent",
  });
  const url = await service.ready();
  expect((await fetch(`${url}/notes`, json("POST", note))).status).toBe(201);

  await proxy.set("black-hole");
  const hanging = Array.from({ length: 30 }, (_, index) =>
    fetch(`${url}/notes`, index % 2 === 0 ? json("POST", note) : {}).then(({ status }) => status),
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const p99s: number[] = [];
  // The best of some windows: other programs of the machine hold up both ends.
  while (p99s.length < WINDOWS && Math.min(...p99s) >= BOUND_MS) p99s.push(await p99(url, agent));
  agent.destroy();
  expect(Math.min(...p99s)).toBeLessThan(BOUND_MS);
  await proxy.set("up");
  // None hangs for longer than its time, and none is lost without an answer.
  for (const status of await Promise.all(hanging)) expect([200, 201, 202, 503, 504]).toContain(status);
  service.process.kill("SIGTERM");
  expect(await service.exit).toBe(0);
});

async function p99(url: string, agent: Agent): Promise<number> {
  const took: number[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    const start = performance.now();
    expect(await status(`${url}/livez`, agent)).toBe(200);
    took.push(performance.now() - start);
    await sleep(1);
  }
  took.sort((a, b) => a - b);
  return took[Math.ceil(REQUESTS * 0.99) - 1] ?? Number.POSITIVE_INFINITY;
}

function status(url: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (answer) => answer.resume().once("end", () => resolve(answer.statusCode))).once(
      "error",
      reject,
    );
  });
}
