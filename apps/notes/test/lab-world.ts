import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { Standstill } from "../lab/standstill.ts";
import type { World } from "../lab/world.ts";

interface Told {
  /** What it says to a write. */
  readonly status?: () => 201 | 202 | 503;
  readonly isSound?: () => boolean;
  readonly limitMs?: number;
}

/** A world whose service stores notes at once and says what it is told to. Of all that a world is the lab asks for no more. */
export async function startWorld({ status = () => 201, isSound = () => true, limitMs = 2_000 }: Told): Promise<World> {
  const notes: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url === "/health") {
      response.end(JSON.stringify({ status: isSound() ? "pass" : "fail", checks: {} }));
    } else if (request.url === "/notes/export") {
      response.end(notes.join("\n"));
    } else {
      const [said, id] = [status(), `n${notes.length}`];
      if (said !== 503) notes.push(JSON.stringify({ ...JSON.parse(body), id }));
      response.writeHead(said).end(JSON.stringify({ id }));
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const standstill = new Standstill();
  onTestFinished(() => {
    standstill[Symbol.dispose]();
    server.close();
    server.closeAllConnections();
  });
  const service = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  return { limitMs, service, standstill, wait: sleep } as unknown as World;
}
