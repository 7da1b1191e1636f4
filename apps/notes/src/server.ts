import { createServer, type OutgoingHttpHeaders, type Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { Hono } from "hono";
import { BARE_HEADERS, bareProblem, endWithProblem } from "./bare-problem.ts";
import { ClientErrors } from "./client-errors.ts";
import type { AppEnv } from "./env.ts";
import { statusText } from "./status-text.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** What a request gets to arrive whole. Default 30,000. */
  readonly requestTimeoutMs?: number;
}

/** A server that listens. */
export interface Listening {
  readonly url: string;
  /** Stops listening and waits for the requests under way; after `timeoutMs` their connections are cut. */
  close(timeoutMs: number): Promise<void>;
}

/** How often connections that became idle are closed while the server is closing. */
const SWEEP_MS = 50;

/** @throws the error of `listen`: EADDRINUSE, EACCES, … */
export async function listen(app: Hono<AppEnv>, options: ServerOptions): Promise<Listening> {
  const { host, port, requestTimeoutMs = 30_000 } = options;
  const clientErrors = new ClientErrors();
  const listener = getRequestListener(app.fetch, { errorHandler: requestFault });
  const server = createServer(
    {
      // Node's own is to wait 60 s for headers, 300 s for a request and 5 s between two.
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
      // Node's own answer to a request without a host is no problem document.
      requireHostHeader: false,
      ServerResponse: Answer,
    },
    (incoming, outgoing) => {
      clientErrors.expect(outgoing);
      void listener(incoming, outgoing);
    },
  );
  const connections = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("clientError", (error, socket) => void clientErrors.refuse(error, socket));
  server.on("checkExpectation", (_incoming, outgoing) => {
    outgoing.writeHead(417, BARE_HEADERS).end(bareProblem(417, "only 100-continue can be expected"));
  });
  server.on("connect", (_incoming, socket) => endWithProblem(socket, 501, "this is no proxy: it has no CONNECT"));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  const { address, family, port: bound } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
  return { url, close: (timeoutMs) => close(server, connections, timeoutMs) };
}

async function close(server: Server, connections: ReadonlySet<Socket>, timeoutMs: number): Promise<void> {
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    // To Node a connection is idle only after its first request: one that never sent any would be waited for.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  }, SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  clearInterval(sweep);
  clearTimeout(cut);
}

/** For requests that were HTTP, but whose host or target makes no URL. */
function requestFault(error: unknown): Response {
  const status = error instanceof RequestError ? 400 : 500;
  const detail = status === 400 ? "the host or the target of the request makes no URL" : "Internal error";
  return new Response(bareProblem(status, detail), { status, headers: BARE_HEADERS });
}

/** Node has older words for some statuses. */
class Answer extends ServerResponse {
  override writeHead(status: number, ...rest: readonly unknown[]): this {
    this.statusMessage ||= statusText(status);
    return super.writeHead(status, ...(rest as [headers?: OutgoingHttpHeaders]));
  }
}
