import type { Socket } from "node:net";
import { Uuid } from "surrealdb";
import { WebSocket } from "ws";
import { ExactCodec } from "./codec.ts";
import { lostError } from "./connection.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Push } from "./live-watches.ts";
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

export interface SocketOptions {
  readonly url: string;
  readonly tls: TlsOptions | undefined;
  readonly maxMessageBytes: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

const CODEC = new ExactCodec();
/** The close code of RFC 6455 for a message that is too big. */
const TOO_BIG = 1009;
/** How long a server may take to answer our goodbye. */
const GOODBYE_MS = 500;

/**
 * One WebSocket and the requests under way on it. It is dialled once and ends once: then every request that has no answer
 * is told so, and nothing is ever sent again.
 */
export class RpcSocket {
  onPush: (push: Push) => void = () => {};
  readonly #ws: WebSocket;
  readonly #options: SocketOptions;
  readonly #heartbeat: Heartbeat;
  readonly #waiting = new Map<number, RpcReceiver>();
  readonly #ended = Promise.withResolvers<void>();
  #lastId = 0;
  #tcp: Socket | undefined;
  #corked = false;
  #cause: unknown;
  #hasEnded = false;
  readonly #onEnd: (cause: unknown) => void;

  private constructor(ws: WebSocket, tcp: Socket, options: SocketOptions, onEnd: (cause: unknown) => void) {
    this.#ws = ws;
    this.#tcp = tcp;
    this.#options = options;
    this.#onEnd = onEnd;
    const { heartbeatIntervalMs: intervalMs, heartbeatTimeoutMs: timeoutMs } = options;
    this.#heartbeat = new Heartbeat({
      intervalMs,
      timeoutMs,
      received: () => tcp.bytesRead,
      unsent: () => tcp.writableLength,
      ping: () => ws.ping(),
      dead: () => this.terminate(new Error(`no sign of life from the server within ${timeoutMs} ms of a ping`)),
    });
    ws.on("message", (data) => this.#receive(data as Buffer));
    ws.on("pong", () => this.#heartbeat.heard());
    ws.on("error", (error) => {
      this.#cause ??= error;
    });
    ws.on("close", (code) => this.#end(code));
  }

  /**
   * @param onEnd called once, when the socket is over for whatever reason
   * @throws the cause, as it is; the signal's reason
   */
  static async dial(options: SocketOptions, signal: AbortSignal, onEnd: (cause: unknown) => void): Promise<RpcSocket> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(options.url, "cbor", {
        ...options.tls,
        perMessageDeflate: false,
        followRedirects: false,
        closeTimeout: GOODBYE_MS,
        maxPayload: options.maxMessageBytes,
      } as ConstructorParameters<typeof WebSocket>[2]);
      let tcp: Socket | undefined;
      const fail = (cause: unknown): void => {
        signal.removeEventListener("abort", giveUp);
        reject(cause);
        // Its last words come after this, and must find somebody who listens.
        ws.removeAllListeners();
        ws.on("error", () => {});
        ws.terminate();
      };
      const giveUp = (): void => fail(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      ws.on("upgrade", (response) => {
        tcp = response.socket;
      });
      ws.on("unexpected-response", (_, response) => {
        fail(new Error(`expected a WebSocket, got the HTTP status ${response.statusCode}`));
      });
      ws.on("error", fail);
      ws.on("close", () => fail(new Error("the server closed the connection before it was open")));
      ws.on("open", () => {
        if (tcp === undefined) return fail(new Error("the connection has no socket"));
        signal.removeEventListener("abort", giveUp);
        ws.removeAllListeners();
        resolve(new RpcSocket(ws, tcp, options, onEnd));
      });
    });
  }

  /** Requests that have no answer yet. */
  get size(): number {
    return this.#waiting.size;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** False also while it is closing: then nothing is sent any more. */
  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  /**
   * Sends a request. From here on it counts as sent, whatever comes.
   * @throws what the codec throws; PAYLOAD_TOO_LARGE: then nothing was sent
   */
  send(request: RpcRequest, receiver: RpcReceiver): void {
    this.#lastId += 1;
    const id = this.#lastId;
    const bytes = encodeRequest(CODEC, id, request);
    const { maxMessageBytes } = this.#options;
    if (bytes.byteLength > maxMessageBytes) throw payloadTooLarge(maxMessageBytes);
    if (!this.isOpen) throw lostError(this.#cause);
    receiver.sentBytes = bytes.byteLength;
    this.#waiting.set(id, receiver);
    this.#cork();
    this.#ws.send(bytes, BINARY, ignoreSendError);
  }

  /** Sends a request of our own housekeeping. @throws the server's error; the loss of the connection */
  call(request: RpcRequest): Promise<unknown> {
    return new Promise((answered, reject) => {
      this.send(request, { answered, refused: reject, lost: (cause) => reject(lostError(cause)) });
    });
  }

  /** Whether the server is there: asked now, answered within `heartbeatTimeoutMs`. */
  isAlive(): Promise<boolean> {
    return this.#hasEnded ? Promise.resolve(false) : this.#heartbeat.check();
  }

  /** Asks now instead of at the next beat: a request had no answer in its time. */
  suspect(): void {
    if (!this.#hasEnded) void this.#heartbeat.check();
  }

  /** Says goodbye. Resolves when the socket is over, after half a second at most. */
  async close(): Promise<void> {
    if (this.#hasEnded) return;
    this.#ws.close(1000);
    const timer = setTimeout(() => this.#ws.terminate(), GOODBYE_MS);
    await this.#ended.promise;
    clearTimeout(timer);
  }

  /** Ends it at once: a peer that does not listen cannot be said goodbye to. */
  terminate(cause: unknown): void {
    this.#cause ??= cause;
    this.#ws.terminate();
    this.#end(1006);
  }

  /** Requests of one turn of the event loop leave in one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#tcp?.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#tcp?.uncork();
    });
  }

  #receive(data: Buffer): void {
    this.#heartbeat.heard();
    let message: Message;
    try {
      message = readMessage(CODEC, data);
    } catch (cause) {
      this.terminate(cause);
      return;
    }
    const { id } = message;
    if (typeof id !== "number") {
      this.#receiveOther(message);
      return;
    }
    const receiver = this.#waiting.get(id);
    if (receiver === undefined) return;
    this.#waiting.delete(id);
    if (message.error === undefined || message.error === null) receiver.answered(message.result);
    else receiver.refused(serverError(message.error));
  }

  /** Without an id: a change, or an error that belongs to no request and so to the connection. */
  #receiveOther({ result, error }: Message): void {
    const push = result as Push | null | undefined;
    if (typeof push?.action === "string") {
      if (push.id instanceof Uuid) this.onPush(push);
      else this.terminate(new Error("the server sent a change of no live query"));
    } else if (error !== undefined && error !== null) this.terminate(serverError(error));
  }

  /** Whose message it was that was too big, where that is certain. */
  #tooBig(code: number, waiting: readonly RpcReceiver[]): { readonly refused?: RpcReceiver; readonly error: Error } {
    const { maxMessageBytes } = this.#options;
    const { code: ours } = (this.#cause ?? {}) as { readonly code?: unknown };
    const [only, ...others] = waiting;
    // An answer that we do not take: what was asked for was done.
    if (ours === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" && only !== undefined && others.length === 0)
      return { refused: only, error: answerTooLarge(maxMessageBytes) };
    // A request that the server does not take: the largest was refused by its size alone, before it was read. Which of the
    // others came before it nobody knows.
    const largest = code === TOO_BIG && ours === undefined ? largestOf(waiting) : undefined;
    const error = payloadTooLarge((largest?.sentBytes ?? 1) - 1);
    return largest === undefined ? { error } : { refused: largest, error };
  }

  #end(code: number): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#heartbeat.stop();
    this.#tcp = undefined;
    this.#cause ??= new Error(`the connection was closed (code ${code})`);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#onEnd(this.#cause);
    const { refused, error } = this.#tooBig(code, waiting);
    for (const receiver of waiting) {
      if (receiver === refused) receiver.refused(error);
      else receiver.lost(this.#cause);
    }
    this.#ended.resolve();
  }
}

const BINARY = { binary: true, compress: false };

/** The `close` event tells everybody. */
function ignoreSendError(): void {}

function largestOf(receivers: readonly RpcReceiver[]): RpcReceiver | undefined {
  return receivers.reduce<RpcReceiver | undefined>(
    (largest, receiver) => ((receiver.sentBytes ?? 0) > (largest?.sentBytes ?? 0) ? receiver : largest),
    undefined,
  );
}
