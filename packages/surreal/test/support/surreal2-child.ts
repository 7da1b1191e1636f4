import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { ExactCodec } from "../../src/codec.ts";
import { openSurreal2Engine } from "./surreal2-engine.ts";
import { type Place, Surreal2Places } from "./surreal2-places.ts";

/** The process that `startSurreal2` starts: SurrealDB 2's RPC protocol over its embedded engine, at /rpc. */
const [engineUrl = "mem://", sessionTtl = "NONE"] = process.argv.slice(2);
const codec = new ExactCodec();
const engine = await openSurreal2Engine(engineUrl);
const places = new Surreal2Places((place) => ask("use", place ?? []));
const RESULT = Buffer.from("fresult", "latin1");

interface Request {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** The error as the server tells it: a code and a text. */
interface Refusal {
  readonly code: number;
  readonly message: string;
}
type Reply = { readonly result: Buffer } | { readonly error: Refusal };

const CODES: readonly (readonly [RegExp, number])[] = [
  [/^Method not found/, -32_601],
  [/^Invalid params/, -32_602],
];

async function answer(place: Place, bytes: Uint8Array): Promise<Reply> {
  try {
    return { result: Buffer.from(await places.run(place, () => engine.execute(bytes))) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: { code: CODES.find(([text]) => text.test(message))?.[1] ?? -32_000, message } };
  }
}

function ask(method: string, params: readonly unknown[]): Promise<Uint8Array> {
  return engine.execute(codec.encode({ id: "0", method, params }));
}

/** The engine's bytes are passed on as they are. */
function frame(id: unknown, reply: Reply): Buffer {
  if ("error" in reply) return Buffer.from(codec.encode({ id, error: reply.error }));
  return Buffer.concat([Buffer.from("\xa2bid", "latin1"), codec.encode(id ?? null), RESULT, reply.result]);
}

function serveSocket(socket: WebSocket): void {
  let place: Place;
  const serve = async (bytes: Buffer): Promise<void> => {
    const { id, method, params } = codec.decode(bytes) as Request;
    if (method === "use") place = params as unknown as Place;
    socket.send(frame(id, await answer(place, bytes)));
  };
  socket.on("message", (bytes: Buffer) => void serve(bytes));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

async function serveHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Anything else is a sign of life.
  if (request.url !== "/rpc") return void response.end();
  const { "surreal-ns": namespace, "surreal-db": database } = request.headers;
  const bytes = await bodyOf(request);
  const { id } = codec.decode(bytes) as Request;
  const place: Place = namespace === undefined ? undefined : [String(namespace), String(database)];
  response.setHeader("content-type", "application/cbor");
  response.end(frame(id, await answer(place, bytes)));
}

const server = createServer((request, response) => void serveHttp(request, response));
new WebSocketServer({ server, path: "/rpc", handleProtocols: () => "cbor" }).on("connection", serveSocket);

// The user and its rights are the engine's; that whoever has not signed in may do nothing is not played here.
await ask("query", [
  `DEFINE USER root ON ROOT PASSWORD 'root' ROLES OWNER DURATION FOR TOKEN 1h, FOR SESSION ${sessionTtl}`,
]);
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
