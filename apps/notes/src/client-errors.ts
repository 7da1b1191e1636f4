import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { endWithProblem } from "./bare-problem.ts";

const ANSWERS: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "the headers are too large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "the extensions of a chunk are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request took too long to arrive"],
};

/** What came over a connection and was no HTTP: refused behind the answers to the requests before it. */
export class ClientErrors {
  readonly #pending = new WeakMap<Duplex, Set<ServerResponse>>();
  readonly #seen = new WeakSet<Duplex>();

  /** Every answer that is going to be made. */
  expect(answer: ServerResponse): void {
    const { socket } = answer.req;
    const pending = this.#pending.get(socket) ?? new Set();
    this.#pending.set(socket, pending.add(answer));
    answer.once("close", () => pending.delete(answer));
  }

  /** The listener of `clientError`, which also comes with each piece of data that follows. */
  async refuse(error: NodeJS.ErrnoException, socket: Duplex): Promise<void> {
    if (this.#seen.has(socket)) return;
    this.#seen.add(socket);
    if (error.code === "ECONNRESET") socket.destroy();
    // A request that the error broke off is never whole: nothing but this refusal answers it.
    const owed = [...(this.#pending.get(socket) ?? [])].filter(({ req, headersSent }) => req.complete || headersSent);
    await Promise.all(owed.map((answer) => new Promise((resolve) => answer.once("close", resolve))));
    const [status, detail] = ANSWERS[error.code ?? ""] ?? [400, "the request is not well-formed HTTP"];
    if (!socket.writable) socket.destroy();
    else endWithProblem(socket, status, detail);
  }
}
