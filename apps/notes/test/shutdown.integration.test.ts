import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type ChildService, spawnService, temporaryFolder } from "./child-service.ts";
import { note } from "./harness.ts";
import { get, postInParts, type RawClient, rawClient } from "./raw-client.ts";

const DRAIN_MS = 300;
const env = { DRAIN_DELAY: String(DRAIN_MS / 1_000) };
const [head, rest] = postInParts("/notes", JSON.stringify(note));

async function opened(url: string, path: string, first: string): Promise<RawClient> {
  const client = await rawClient(url);
  client.send(get(path));
  await client.until(first);
  return client;
}

/** By its own word: its port is open for the drain delay only, and whoever asks there may be too late. */
async function stopping(service: ChildService): Promise<void> {
  await expect.poll(() => service.stderr()).toContain('"stopping"');
}

/** The best of three: a machine that pauses is not the service's. */
async function expectSoon(shutdown: () => Promise<number>, limitMs: number): Promise<void> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && bestMs >= limitMs; round += 1) bestMs = Math.min(bestMs, await shutdown());
  expect(bestMs).toBeLessThan(limitMs);
}

test("SIGTERM with open streams, idle connections and requests under way: all end in order, and it exits with 0", {
  timeout: 90_000,
}, async () => {
  await expectSoon(endInOrder, DRAIN_MS + 2_000);
});

async function endInOrder(): Promise<number> {
  const service = spawnService({ DATA_DIR: await temporaryFolder(), ...env });
  const url = await service.ready();
  const streams = await Promise.all([
    opened(url, "/notes/changes", "event: resync"),
    opened(url, "/notes/changes", "event: resync"),
    opened(url, "/ops/events", "event: snapshot"),
  ]);
  const silent = await Promise.all(Array.from({ length: 5 }, () => rawClient(url)));
  const kept = await Promise.all(Array.from({ length: 5 }, () => opened(url, "/livez", '{"status":"pass"}')));
  const uploads = await Promise.all(Array.from({ length: 5 }, () => rawClient(url)));
  for (const upload of uploads) upload.send(head);
  // What was sent has arrived when a later request of another connection is answered.
  await opened(url, "/livez", '{"status":"pass"}');

  const start = performance.now();
  service.process.kill("SIGTERM");
  await stopping(service);
  // Beyond the drain delay the port is closed; the requests are still under way.
  await sleep(DRAIN_MS + 200);
  for (const upload of uploads) upload.send(rest);

  expect(await service.exit).toBe(0);
  const ms = performance.now() - start;
  for (const upload of uploads) {
    expect(await upload.ended).toBe("end");
    expect(upload.received()).toMatch(/^HTTP\/1\.1 201 Created\r\n[\s\S]*"title":"Milk"/);
  }
  for (const stream of streams) {
    expect(await stream.ended).toBe("end");
    // The last chunk: nothing was cut off.
    expect(stream.received()).toMatch(/event: bye\n[\s\S]*\r\n0\r\n\r\n$/);
  }
  for (const idle of [...silent, ...kept]) expect(await idle.ended).toBe("end");
  return ms;
}

test("a request that never arrives whole is cut after SHUTDOWN_TIMEOUT, and the exit code is still 0", {
  timeout: 90_000,
}, async () => {
  await expectSoon(endWithOneCut, DRAIN_MS + 500 + 2_000);
});

async function endWithOneCut(): Promise<number> {
  const service = spawnService({ DATA_DIR: await temporaryFolder(), ...env, SHUTDOWN_TIMEOUT: "0.5" });
  const url = await service.ready();
  const upload = await rawClient(url);
  upload.send(head);
  await opened(url, "/livez", '{"status":"pass"}');
  const start = performance.now();
  service.process.kill("SIGTERM");
  expect(await service.exit).toBe(0);
  const ms = performance.now() - start;
  expect(ms).toBeGreaterThanOrEqual(DRAIN_MS + 500 - 20);
  return ms;
}

test("a second signal ends it at once with 1, whatever is still open", async () => {
  const service = spawnService({ DATA_DIR: await temporaryFolder(), ...env, SHUTDOWN_TIMEOUT: "60" });
  const url = await service.ready();
  const upload = await rawClient(url);
  upload.send(head);
  await opened(url, "/notes/changes", "event: resync");
  service.process.kill("SIGTERM");
  await stopping(service);
  await sleep(300);
  const start = performance.now();
  service.process.kill("SIGTERM");
  expect(await service.exit).toBe(1);
  // What anything would be waited for.
  expect(performance.now() - start).toBeLessThan(10_000);
});
