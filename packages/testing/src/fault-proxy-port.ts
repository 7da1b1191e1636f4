import { createServer, type Server } from "node:net";

/**
 * Below what systems give to outgoing connections (Linux from 32,768, others from 49,152): while the port is closed nobody's
 * dial must come to sit on it, not even a client's own dial to it, which would then meet itself.
 */
const PORTS = { from: 15_000, to: 31_999 };
const ATTEMPTS = 50;

/** Listens on the port of loopback, or for 0 on a free one. What it accepts is not read from. */
export async function listen(port: number): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const wanted = port === 0 ? PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from)) : port;
    try {
      return await open(wanted);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (!taken || port !== 0 || attempt === ATTEMPTS) throw refused(wanted, error);
    }
  }
}

function open(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", backlog: 1_024 }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function refused(port: number, cause: unknown): Error {
  const taken = (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
  const why = taken ? "another process listens there" : "the system refuses it; see cause";
  return new Error(`FaultProxy: cannot listen on 127.0.0.1:${port}: ${why}`, { cause });
}
