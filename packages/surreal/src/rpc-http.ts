import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from "node:http";
import { request as secureRequest, Agent as TlsAgent } from "node:https";
import { DatabaseErrorOf, isDatabaseError } from "@db/core";
import { ExactCodec } from "./codec.ts";
import {
  answerTooLarge,
  encodeRequest,
  type Message,
  payloadTooLarge,
  type RpcReceiver,
  type RpcRequest,
  readMessage,
  serverError,
} from "./rpc.ts";
import type { TlsOptions } from "./tls.ts";

export interface HttpClientOptions {
  readonly url: string;
  readonly tls: TlsOptions | undefined;
  readonly maxMessageBytes: number;
}

/** Who a request is from, and where it goes. */
export interface HttpHeaders {
  readonly [name: string]: string;
}

const CODEC = new ExactCodec();
const CBOR = "application/cbor";
/** Servers close what is unused after five seconds and more; a request on a socket that is being closed would be lost. */
const IDLE_SOCKET_MS = 4_000;
/** Of Node, where it could not connect: nothing was sent. A connection that breaks later may tell some of them as well. */
const NEVER_CONNECTED = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/;

/** The RPC protocol over HTTP: each request stands alone. */
export class HttpClient {
  /** Bytes of answers so far. */
  received = 0;
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #maxMessageBytes: number;
  readonly #onFailure: (cause: unknown) => void;
  readonly #requests = new Set<ClientRequest>();
  #lastId = 0;

  /** @param onFailure told of every request that ended without an answer */
  constructor({ url, tls, maxMessageBytes }: HttpClientOptions, onFailure: (cause: unknown) => void) {
    this.#url = new URL(url);
    // Each request has a socket of its own: one that stood in line behind slow ones would seem to have no answer.
    const options = { keepAlive: true, timeout: IDLE_SOCKET_MS, scheduling: "lifo" as const };
    this.#agent =
      this.#url.protocol === "https:"
        ? new TlsAgent({ ...options, ...tls } as ConstructorParameters<typeof TlsAgent>[0])
        : new PlainAgent(options);
    this.#maxMessageBytes = maxMessageBytes;
    this.#onFailure = onFailure;
  }

  /** @throws what the codec throws; PAYLOAD_TOO_LARGE: then nothing was sent */
  send(request: RpcRequest, headers: HttpHeaders, receiver: RpcReceiver): void {
    this.#lastId += 1;
    const body = encodeRequest(CODEC, this.#lastId, request);
    if (body.byteLength > this.#maxMessageBytes) throw payloadTooLarge(this.#maxMessageBytes);
    receiver.sentBytes = body.byteLength;
    const options = {
      method: "POST",
      headers: { ...headers, "content-type": CBOR, accept: CBOR, "content-length": body.byteLength },
    };
    this.#start("", options, receiver, (answer) => this.#deliver(answer, receiver)).end(body);
  }

  /** Asks whether the server is there; its answer counts as received. */
  ping(): void {
    const nobody = { answered: () => {}, refused: () => {}, lost: () => {} };
    this.#start("/health", { method: "GET" }, nobody, () => {}).end();
  }

  close(cause: Error): void {
    for (const request of this.#requests) request.destroy(cause);
    this.#agent.destroy();
  }

  #start(
    path: "" | "/health",
    options: { readonly method: string; readonly headers?: HttpHeaders | { readonly [name: string]: string | number } },
    receiver: RpcReceiver,
    deliverTo: (answer: Answer) => void,
  ): ClientRequest {
    const url = path === "" ? this.#url : new URL(this.#url.href.replace(/\/rpc(?=\?|$)/, path));
    const send = url.protocol === "https:" ? secureRequest : plainRequest;
    const request = send(url, { ...options, agent: this.#agent });
    this.#requests.add(request);
    const fail = (cause: unknown): void => {
      if (!this.#requests.delete(request)) return;
      if (isDatabaseError(cause)) {
        request.destroy();
        receiver.refused(cause);
        return;
      }
      const { code, syscall } = cause as { readonly code?: string; readonly syscall?: string };
      this.#onFailure(cause);
      const wasOpen = syscall === "read" || syscall === "write";
      if (code !== undefined && NEVER_CONNECTED.test(code) && !wasOpen) receiver.refused(neverConnected(code, cause));
      else receiver.lost(cause);
    };
    request.on("error", fail);
    // The agent's timeout is for sockets that nobody uses; how long an answer may take is the caller's to say.
    request.on("socket", (socket) => socket.setTimeout(0));
    request.on("response", (response) => {
      this.#read(response).then((body) => {
        if (this.#requests.delete(request)) deliverTo({ status: response.statusCode ?? 0, body });
      }, fail);
    });
    return request;
  }

  async #read(response: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      parts.push(part);
      size += part.length;
      this.received += part.length + 1;
      if (size > this.#maxMessageBytes) throw answerTooLarge(this.#maxMessageBytes);
    }
    this.received += 1;
    return Buffer.concat(parts, size);
  }

  #deliver({ status, body }: Answer, receiver: RpcReceiver): void {
    const refusal = status === 200 ? undefined : refusalOf(status, receiver);
    if (refusal !== undefined) {
      receiver.refused(refusal);
      return;
    }
    let message: Message;
    try {
      if (status !== 200) throw new Error(`the server answered with the HTTP status ${status}`);
      message = readMessage(CODEC, body);
    } catch (cause) {
      this.#onFailure(cause);
      receiver.lost(cause);
      return;
    }
    if (message.error === undefined || message.error === null) receiver.answered(message.result);
    else receiver.refused(serverError(message.error));
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/**
 * Anything but 200 is not from the database itself, but from the server around it or from what stands before it. What
 * was refused there did not get to the database; who gives up on it (502, 504; some say 503) may have passed it on.
 */
function refusalOf(status: number, { sentBytes = 1 }: RpcReceiver): Error | undefined {
  switch (status) {
    case 401:
    case 403:
      return unauthorized();
    case 413:
      return payloadTooLarge(sentBytes - 1);
    case 404:
    case 405:
    case 429:
      return new DatabaseErrorOf("CONNECTION_FAILED", `the server took no request (HTTP status ${status})`, {});
    default:
      return undefined;
  }
}

/** As the database says it of a session, so that it is signed in anew. */
function unauthorized(): Error {
  return serverError({
    code: -32002,
    kind: "NotAllowed",
    message: "The token has expired",
    details: { kind: "Auth", details: { kind: "TokenExpired" } },
  });
}

function neverConnected(code: string, cause: unknown): DatabaseErrorOf<"CONNECTION_FAILED"> {
  return new DatabaseErrorOf("CONNECTION_FAILED", `cannot connect to the database (${code}); see cause`, {}, { cause });
}
