import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { STRICT_CSP } from "./headers.ts";
import type { ProblemDocument } from "./problem.ts";
import { statusText } from "./status-text.ts";

/** Of every answer that the app has no part in; it ends its connection. */
export const BARE_HEADERS = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "content-security-policy": STRICT_CSP,
  "x-content-type-options": "nosniff",
  connection: "close",
} as const;

/** The problem document of a request that never reaches the app. */
export function bareProblem(status: number, detail: string): string {
  const title = statusText(status);
  const problem: ProblemDocument = { type: "about:blank", title, status, detail, requestId: randomUUID() };
  return JSON.stringify(problem);
}

/** How long a client may take to read the last answer of its connection. */
const LINGER_MS = 1_000;

/** Answers where there is no request, only a connection, and ends it. */
export function endWithProblem(socket: Duplex, status: number, detail: string): void {
  const body = bareProblem(status, detail);
  const headers = Object.entries({ ...BARE_HEADERS, "content-length": Buffer.byteLength(body) });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(`HTTP/1.1 ${status} ${statusText(status)}\r\n${lines}\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
