import { randomInt } from "node:crypto";
import { once } from "node:events";
import type { Server } from "node:http";

/** Below the ports that Linux (32768…) and others (49152…) give to clients: while the server is away none may take it. */
const [LOWEST, BEYOND] = [15_000, 32_768];
const MAX_TRIES = 50;

/** Listens on a port, of the loopback interface unless told; 0 is any free one. */
export async function listen(server: Server, port: number, host: string = "127.0.0.1"): Promise<number> {
  if (port !== 0) return tryListen(server, port, host);
  for (let left = MAX_TRIES; ; left -= 1) {
    try {
      return await tryListen(server, randomInt(LOWEST, BEYOND), host);
    } catch (error) {
      if (!isInUse(error) || left === 0) throw error;
    }
  }
}

async function tryListen(server: Server, port: number, host: string): Promise<number> {
  server.listen({ port, host });
  try {
    await once(server, "listening");
    return port;
  } catch (error) {
    if (!isInUse(error)) throw error;
    throw Object.assign(new Error(`port ${port} of ${host} is in use`, { cause: error }), { code: "EADDRINUSE" });
  }
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
