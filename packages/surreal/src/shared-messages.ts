import type { Uuid } from "surrealdb";
import { Encoded, ExactCodec } from "./codec.ts";
import type { RpcReceiver, RpcRequest } from "./rpc.ts";

/** A statement of ours: its parameters begin with an underscore, and it has one answer. */
interface Shareable extends RpcRequest {
  readonly params: readonly [text: string, values: { readonly [name: string]: unknown }];
}

/** Statements of one session that wait for the end of this turn of the event loop. */
interface Message {
  readonly requests: Shareable[];
  readonly receivers: RpcReceiver[];
  bytes: number;
}

/** Far below what a server takes: nobody may be refused for the size of another's statement. */
const MAX_BYTES = 65_536;
const CODEC = new ExactCodec();

/**
 * Lets statements of one turn of the event loop go as one message, each still a transaction of its own with its own
 * answer: most of what a small statement costs the server is the message. The server carries them out one after the other.
 */
export class SharedMessages {
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #send: (request: RpcRequest, receiver: RpcReceiver) => void;
  readonly #open = new Map<Uuid | undefined, Message>();

  /**
   * @param limit statements in a message at most
   * @param maxMessageBytes of any message: one that is shared stays far below it
   */
  constructor(limit: number, maxMessageBytes: number, send: (request: RpcRequest, receiver: RpcReceiver) => void) {
    this.#limit = limit;
    this.#maxBytes = Math.min(MAX_BYTES, maxMessageBytes / 4);
    this.#send = send;
  }

  /**
   * Sends it at the end of this turn, with others or alone. From here on it counts as sent.
   * @throws what the codec and `send` throw: then it was not sent
   */
  send(request: RpcRequest, receiver: RpcReceiver): void {
    const encoded = encode(request as Shareable);
    if (encoded.bytes > this.#maxBytes / 8) {
      this.#send(encoded.request, receiver);
      return;
    }
    const message = this.#messageFor(request.session, encoded.bytes);
    message.requests.push(encoded.request);
    message.receivers.push(receiver);
    message.bytes += encoded.bytes;
  }

  #messageFor(session: Uuid | undefined, bytes: number): Message {
    const open = this.#open.get(session);
    if (open !== undefined && open.requests.length < this.#limit && open.bytes + bytes <= this.#maxBytes) return open;
    const message: Message = { requests: [], receivers: [], bytes: 0 };
    this.#open.set(session, message);
    process.nextTick(() => {
      if (this.#open.get(session) === message) this.#open.delete(session);
      this.#dispatch(message);
    });
    return message;
  }

  #dispatch({ requests, receivers }: Message): void {
    const [request] = requests;
    const [receiver] = receivers;
    if (request === undefined || receiver === undefined) return;
    const isAlone = requests.length === 1;
    const everybody = isAlone ? receiver : new Everybody(receivers);
    try {
      this.#send(isAlone ? request : joined(requests, request), everybody);
    } catch (error) {
      // Whoever asked was told that it is sent; the connection ended since, in this turn.
      everybody.lost(error);
    }
  }
}

/** Values are encoded once, here, where what the codec refuses still finds its caller. */
function encode(request: Shareable): { readonly request: Shareable; readonly bytes: number } {
  const [text, given] = request.params;
  const values: { [name: string]: unknown } = {};
  let bytes = text.length;
  for (const [name, value] of Object.entries(given)) {
    const encoded = new Encoded(CODEC.encode(value));
    bytes += encoded.bytes.byteLength;
    values[name] = encoded;
  }
  return { request: { ...request, params: [text, values] }, bytes };
}

/** Each statement's parameters get its number, so that none meets another's. */
function joined(requests: readonly Shareable[], { session }: Shareable): RpcRequest {
  const values: { [name: string]: unknown } = {};
  const texts = requests.map(({ params: [text, own] }, index) => {
    for (const [name, value] of Object.entries(own)) values[`_${index}${name}`] = value;
    return text.replaceAll("$_", () => `$_${index}_`);
  });
  return { method: "query", params: [texts.join(";\n"), values], session };
}

/** Passes on to each what becomes of the message. */
class Everybody implements RpcReceiver {
  readonly #receivers: readonly RpcReceiver[];

  constructor(receivers: readonly RpcReceiver[]) {
    this.#receivers = receivers;
  }

  answered(result: unknown): void {
    const responses: readonly unknown[] = Array.isArray(result) ? result : [];
    const count = this.#receivers.length;
    if (responses.length !== count) {
      this.refused(new Error(`the server answered ${responses.length} of ${count} statements`));
      return;
    }
    for (const [index, receiver] of this.#receivers.entries()) receiver.answered([responses[index]]);
  }

  refused(error: Error): void {
    for (const receiver of this.#receivers) receiver.refused(error);
  }

  lost(cause: unknown): void {
    for (const receiver of this.#receivers) receiver.lost(cause);
  }
}
