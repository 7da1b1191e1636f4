import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A connection without a library between, so that a reset cannot be hidden by one. */
export interface RawClient {
  /** All that came so far. */
  received(): string;
  send(text: string): void;
  /** Resolves once the text came. @throws Error where the connection ends before */
  until(text: string): Promise<void>;
  /** How it ended: `end` is orderly, all else the code of its error. */
  readonly ended: Promise<string>;
}

export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port) });
  let text = "";
  let fault: string | undefined;
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    fault = error.code ?? error.message;
  });
  const ended = once(socket, "close").then(
    () => fault ?? "end",
    () => fault ?? "end",
  );
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return {
    ended,
    received: () => text,
    send: (chunk) => {
      socket.write(chunk);
    },
    async until(wanted) {
      while (!text.includes(wanted)) {
        const end = await Promise.race([ended, once(socket, "data").then(() => undefined)]);
        if (end !== undefined && !text.includes(wanted))
          throw new Error(`expected ${JSON.stringify(wanted)} before the end (${end}), got ${JSON.stringify(text)}`);
      }
    },
  };
}

/** The head of a request, without a body. */
export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: notes\r\n\r\n`;
}

/** A request with a body in two parts, as a slow client would send it. */
export function postInParts(path: string, body: string): readonly [head: string, rest: string] {
  const half = Math.floor(body.length / 2);
  const head = `POST ${path} HTTP/1.1\r\nhost: notes\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return [head + body.slice(0, half), body.slice(half)];
}
