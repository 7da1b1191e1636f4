import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { Lab } from "../lab/lab.ts";
import type { World } from "../lab/world.ts";

/** A service that stores notes at once, and whose health turns good so long after the lab begins to ask for it. */
async function startService(illMs: number): Promise<{ readonly url: string; soundAt(): number }> {
  const notes: string[] = [];
  let soundAt = Number.NaN;
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url === "/health") {
      if (Number.isNaN(soundAt)) soundAt = performance.now() + illMs;
      response.end(JSON.stringify({ status: performance.now() >= soundAt ? "pass" : "fail", checks: {} }));
    } else if (request.url === "/notes/export") {
      response.end(notes.join("\n"));
    } else {
      const id = `n${notes.length}`;
      notes.push(JSON.stringify({ ...JSON.parse(body), id }));
      response.writeHead(201).end(JSON.stringify({ id }));
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, soundAt: () => soundAt };
}

test("between two scenarios the service is sound for more than a second: sooner, a new outage is the old one", async () => {
  const service = await startService(200);
  // Of all that a world is the lab itself asks for no more than this.
  const world = { limitMs: 2_000, service: { url: service.url }, wait: sleep } as unknown as World;
  await using lab = new Lab(world, 50);
  const report = await lab.play({ name: "nothing", title: "nothing", play: () => sleep(50) });
  expect(performance.now() - service.soundAt()).toBeGreaterThan(1_000);
  expect(report.faults).toEqual([]);
  expect(report.drainedMs).toBeGreaterThan(200);
});
