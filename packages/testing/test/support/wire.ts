import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A server that keeps what it gets, by connection, and sends it back unless told otherwise. */
export class EchoServer implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  readonly received: Buffer[] = [];
  readonly ends: ("end" | "reset")[] = [];
  readonly #server: Server;

  static async start({ echo = true, read = true } = {}): Promise<EchoServer> {
    const server = createServer({ allowHalfOpen: true });
    const target = new EchoServer(server, { echo, read });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return target;
  }

  private constructor(server: Server, { echo, read }: { readonly echo: boolean; readonly read: boolean }) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.sockets.push(socket);
      socket.on("error", () => this.ends.push("reset"));
      if (!read) return;
      socket.on("data", (bytes: Buffer) => {
        this.received.push(bytes);
        if (echo) socket.write(bytes);
      });
      socket.on("end", () => {
        this.ends.push("end");
        socket.end();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** A client that keeps all it gets and how its connection ended. */
export class Client implements Disposable {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #length = 0;
  #changed: () => void = () => {};
  ending: string | undefined;

  static async dial(port: number): Promise<Client> {
    const client = new Client(port);
    await once(client.socket, "connect");
    return client;
  }

  private constructor(port: number) {
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.on("data", (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#length += bytes.length;
      this.#changed();
    });
    this.socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      this.ending = code;
    });
    this.socket.on("close", () => {
      this.ending ??= "end";
      this.#changed();
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#received);
  }

  get text(): string {
    return this.bytes.toString();
  }

  send(data: string | Buffer): void {
    this.socket.write(data);
  }

  /** Waits for that much, or for the end of the connection. */
  async until(length: number): Promise<string> {
    while (this.#length < length && this.ending === undefined) await this.#change();
    return this.text;
  }

  async ended(): Promise<string> {
    for (;;) {
      if (this.ending !== undefined) return this.ending;
      await this.#change();
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/** How a dial ends. */
export async function dial(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return "connected";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  } finally {
    socket.destroy();
  }
}

/** Looks again after every turn of the event loop: sockets tell nobody of bytes that are not read. */
export async function eventually(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error("expected it to hold within 5 s, it did not");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
