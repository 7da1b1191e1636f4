import { randomUUID } from "node:crypto";
import { createServer, type Server, STATUS_CODES } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { Hono } from "hono";
import type { AppEnv } from "./env.ts";
import { STRICT_CSP } from "./headers.ts";
import type { ProblemDocument } from "./problem.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
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
export async function listen(app: Hono<AppEnv>, { host, port }: ServerOptions): Promise<Listening> {
  const listener = getRequestListener(app.fetch, { errorHandler: requestFault });
  const server = createServer(
    {
      // Node's own is to wait 60 s for headers, 300 s for a request and 5 s between two.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
      // Node's own answer to a request without a host is no problem document.
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      void listener(incoming, outgoing);
    },
  );
  server.on("clientError", answerClientError);
  server.on("checkExpectation", (_incoming, outgoing) => {
    outgoing.writeHead(417, HEADERS).end(documentOf(417, "only 100-continue can be expected"));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  const { address, family, port: bound } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${bound}`;
  return { url, close: (timeoutMs) => close(server, timeoutMs) };
}

async function close(server: Server, timeoutMs: number): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  clearInterval(sweep);
  clearTimeout(cut);
}

const HEADERS = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "content-security-policy": STRICT_CSP,
  "x-content-type-options": "nosniff",
  connection: "close",
} as const;

function documentOf(status: number, detail: string): string {
  const title = STATUS_CODES[status] ?? "Error";
  const problem: ProblemDocument = { type: "about:blank", title, status, detail, requestId: randomUUID() };
  return JSON.stringify(problem);
}

/** For requests that were HTTP, but whose host or target makes no URL. */
function requestFault(error: unknown): Response {
  const status = error instanceof RequestError ? 400 : 500;
  const detail = status === 400 ? "the host or the target of the request makes no URL" : "Internal error";
  return new Response(documentOf(status, detail), { status, headers: HEADERS });
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "the headers are too large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "the extensions of a chunk are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request took too long to arrive"],
};

/** For what was no HTTP: there is no request to answer, only a connection. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, detail] = CLIENT_ERRORS[error.code ?? ""] ?? [400, "the request is not well-formed HTTP"];
  const body = documentOf(status, detail);
  const headers = Object.entries({ ...HEADERS, "content-length": Buffer.byteLength(body) });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines}\r\n${body}`);
}
