import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { SurrealClient } from "./surreal-client.ts";
import type { FaultState } from "./surreal-fault-state.ts";
import { internal, invalidRequest, replyTo } from "./surreal-reply.ts";
import { RpcRequest } from "./surreal-request.ts";

const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const MESSAGE_TOO_BIG = 1009;
const INTERNAL_ERROR = 1011;
/** Requests under way on a socket before it is read no further. */
const MAX_IN_FLIGHT = 4_096;
/** Bytes of answers that a client may leave unread before its socket is cut. */
const MAX_UNREAD_BYTES = 268_435_456;

/** One WebSocket, from its handshake until all that its client owned is given back. */
export class SurrealSocket {
  readonly client: SurrealClient;
  /** Resolves when the socket is closed and its client's belongings are given back. */
  readonly gone: Promise<void>;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #faults: FaultState;
  #inFlight = 0;
  #onIdle: (() => void)[] = [];
  #isPaused = false;
  #isCorked = false;

  constructor(socket: WebSocket, stream: Socket, client: SurrealClient, faults: FaultState) {
    this.#socket = socket;
    this.#stream = stream;
    this.client = client;
    this.#faults = faults;
    this.gone = this.#follow();
    socket.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary));
    // A broken frame or a reset; the close that follows is what counts.
    socket.on("error", () => {});
    client.onNotification = ({ frame }) => this.#send(frame);
    this.applyReading();
  }

  async #follow(): Promise<void> {
    await once(this.#socket, "close");
    await this.client.cancelTransactions();
    await this.idle();
    await this.client.close();
  }

  /** Reads or does not, by the faults and by how much is under way. */
  applyReading(): void {
    const shouldPause = this.#faults.now.stopReading || this.#inFlight >= MAX_IN_FLIGHT;
    if (shouldPause === this.#isPaused) return;
    this.#isPaused = shouldPause;
    if (shouldPause) this.#socket.pause();
    else this.#socket.resume();
  }

  drop(how: "close" | "end" | "reset"): void {
    if (how === "close") this.#socket.close(GOING_AWAY);
    else if (how === "end") this.#socket.terminate();
    else this.#stream.resetAndDestroy();
  }

  ping(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #send(frame: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#cork();
    this.#socket.send(frame);
    if (this.#socket.bufferedAmount > MAX_UNREAD_BYTES) this.#socket.terminate();
  }

  /** The engine answers many requests in one turn of the event loop: their answers leave in one write. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (!isBinary) this.#socket.close(UNSUPPORTED_DATA, "only CBOR is spoken here");
    else if (data.length > this.#faults.now.maxMessageBytes) this.#socket.close(MESSAGE_TOO_BIG);
    else this.#serve(data).catch((error: unknown) => this.#socket.close(INTERNAL_ERROR, String(error).slice(0, 100)));
  }

  async #serve(data: Buffer): Promise<void> {
    this.#inFlight += 1;
    this.applyReading();
    try {
      await this.#answer(data);
    } finally {
      this.#inFlight -= 1;
      this.applyReading();
      if (this.#inFlight === 0) for (const notify of this.#onIdle.splice(0)) notify();
    }
  }

  /** Resolves when all that it read is answered. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inFlight === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  async #answer(data: Buffer): Promise<void> {
    let request: RpcRequest;
    try {
      request = new RpcRequest(data);
    } catch (error) {
      this.#send(replyTo(undefined, invalidRequest((error as Error).message)));
      return;
    }
    this.#faults.requests += 1;
    const fate = this.#faults.meet(request);
    const answer = fate.answer ?? (await this.client.answer(request).catch(internal));
    if (fate.delayMs > 0) await this.#faults.wait(fate.delayMs);
    if (fate.isDropped) this.#socket.terminate();
    else if (!fate.isIgnored) this.#send(replyTo(request.id, answer));
  }
}
