import { createServer } from "node:net";

/**
 * Below what systems give to outgoing connections (Linux from 32,768, others from 49,152): while the service is killed
 * no dial and no other program that asks for any port may come to sit on its own.
 */
const PORTS = { from: 15_000, to: 31_999 };
const ATTEMPTS = 50;

/** A port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    if (await isFree(port)) return port;
  }
  throw new Error(`expected a free port in ${PORTS.from}..${PORTS.to}, got none in ${ATTEMPTS} attempts`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}
