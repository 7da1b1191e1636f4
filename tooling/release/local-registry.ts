import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

interface Document {
  readonly name: string;
  readonly "dist-tags": Record<string, string>;
  readonly versions: Record<string, { readonly dist?: { readonly tarball?: string } }>;
  readonly _attachments?: Record<string, { readonly data: string }>;
}

/** As much of a package registry as publishing and installing need, on the loopback interface; for tests. */
export class LocalRegistry implements AsyncDisposable {
  /** What it was given, by name. */
  readonly documents: Map<string, Document> = new Map();
  readonly #tarballs = new Map<string, Buffer>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  static async start(): Promise<LocalRegistry> {
    const registry = new LocalRegistry();
    registry.#server.listen(0, "127.0.0.1");
    await once(registry.#server, "listening");
    return registry;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the registry is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", this.url).pathname).slice(1);
    if (request.method === "PUT") {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      this.#take(JSON.parse(Buffer.concat(chunks).toString("utf8")));
      response.writeHead(201, { "content-type": "application/json" }).end('{"ok":true}');
      return;
    }
    const tarball = this.#tarballs.get(path);
    const document = this.documents.get(path);
    if (tarball !== undefined) response.writeHead(200, { "content-type": "application/octet-stream" }).end(tarball);
    else if (document === undefined) response.writeHead(404, { "content-type": "application/json" }).end("{}");
    else response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  }

  #take({ _attachments = {}, ...document }: Document): void {
    for (const [file, { data }] of Object.entries(_attachments)) {
      this.#tarballs.set(`${document.name}/-/${file}`, Buffer.from(data, "base64"));
    }
    const known = this.documents.get(document.name);
    this.documents.set(document.name, {
      ...document,
      "dist-tags": { ...known?.["dist-tags"], ...document["dist-tags"] },
      versions: { ...known?.versions, ...document.versions },
    });
  }
}
