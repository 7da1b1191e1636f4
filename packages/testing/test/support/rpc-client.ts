import { once } from "node:events";
import { CborCodec } from "surrealdb";
import { WebSocket } from "ws";

const codec = new CborCodec({});

export interface RpcReply {
  readonly id: unknown;
  readonly result?: unknown;
  readonly error?: {
    readonly code: number;
    readonly kind: string;
    readonly message: string;
    readonly details?: unknown;
  };
}

/** The protocol itself, for what the SDK would never send. */
export class RpcClient implements Disposable {
  readonly socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
  }

  static async open(url: string): Promise<RpcClient> {
    const socket = new WebSocket(url, "cbor");
    await once(socket, "open");
    return new RpcClient(socket);
  }

  async signIn(): Promise<this> {
    await this.call({ method: "signin", params: [{ user: "root", pass: "root" }] });
    await this.call({ method: "use", params: ["test", "test"] });
    return this;
  }

  call(request: { readonly [name: string]: unknown }): Promise<RpcReply> {
    this.#lastId += 1;
    return this.send(codec.encode({ id: String(this.#lastId), ...request }), String(this.#lastId));
  }

  /** Sends bytes and waits for the answer with this id. */
  send(bytes: Uint8Array, id?: string): Promise<RpcReply> {
    const { promise, resolve, reject } = Promise.withResolvers<RpcReply>();
    const listen = (data: Buffer): void => {
      const reply = codec.decode<RpcReply>(data);
      if (id !== undefined && reply.id !== id) return;
      this.socket.off("message", listen);
      resolve(reply);
    };
    this.socket.on("message", listen);
    this.socket.setMaxListeners(0).once("close", (code) => reject(new Error(`closed with ${code}`)));
    this.socket.send(bytes);
    return promise;
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
