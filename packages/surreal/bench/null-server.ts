import type { AddressInfo } from "node:net";
import { CborCodec, RecordId } from "surrealdb";
import { WebSocketServer } from "ws";
import { note } from "./compared.ts";

/**
 * A server that does nothing: it answers each request at once with what a server would answer, read from the first bytes
 * alone. What a client reaches over it is the most that this client could ever reach.
 */
const codec = new CborCodec({});
const row = { id: new RecordId("notes", "1"), ...note };
const ANSWERS = {
  version: tail("surrealdb-3.0.2"),
  read: tail([{ status: "OK", time: "100µs", type: null, result: row }]),
  create: tail([{ status: "OK", time: "100µs", type: null, result: undefined }]),
  other: tail(null),
};
/** Where the id of a request is: behind the head of its map and the key `id`. */
const ID_AT = 4;

/** What follows the id in an answer. */
function tail(result: unknown): Buffer {
  return Buffer.concat([Buffer.from("\x66result", "latin1"), codec.encode(result)]);
}

/** An integer or a short text, as clients have it. */
function idOf(request: Buffer): Buffer {
  const head = request.readUInt8(ID_AT);
  const info = head & 31;
  const size = head >> 5 === 3 ? info : info < 24 ? 0 : 1 << (info - 24);
  return request.subarray(ID_AT, ID_AT + 1 + size);
}

function answerTo(request: Buffer, id: Buffer): Buffer {
  const at = ID_AT + id.length;
  const method = request.toString("latin1", at + 8, at + 15);
  if (method.startsWith("version")) return ANSWERS.version;
  if (!method.startsWith("query")) return ANSWERS.other;
  return request.includes("SELECT", at) ? ANSWERS.read : ANSWERS.create;
}

const HEAD = Buffer.from("\xa2\x62id", "latin1");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, handleProtocols: () => "cbor" });
server.on("connection", (socket, { socket: stream }) => {
  let isCorked = false;
  socket.on("message", (request: Buffer) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      setImmediate(() => {
        isCorked = false;
        stream.uncork();
      });
    }
    const id = idOf(request);
    socket.send(Buffer.concat([HEAD, id, answerTo(request, id)]));
  });
});
server.on("listening", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
