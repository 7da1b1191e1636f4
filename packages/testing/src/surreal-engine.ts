import { NodeEngine } from "@surrealdb/node";
import {
  type CodecRegistry,
  type ConnectionState,
  parseRpcError,
  type RpcRequest,
  type SqlExportOptions,
  Uuid,
  type ValueCodec,
} from "surrealdb";
import { asBuffer, decode, encode, isFailed, type Notification, readNotification } from "./surreal-reply.ts";
import { formatUuid, type SessionId } from "./surreal-uuid.ts";

/** What is handed to the SDK's engine in place of values: bytes that are encoded already. */
interface Encoded {
  readonly bytes: Uint8Array;
}

/**
 * The SDK's embedded engine, spoken to in bytes: requests go in and answers come out as they are, so that serving them
 * costs neither a decoding nor an encoding.
 */
export class RawEngine {
  readonly #engine: NodeEngine;
  #busy = 0;
  #onIdle: (() => void)[] = [];

  private constructor(engine: NodeEngine) {
    this.#engine = engine;
  }

  /** Rejects with the engine's own word for why it cannot open. */
  static async open(url: string, onNotification: (notification: Notification) => void): Promise<RawEngine> {
    const codec: ValueCodec = {
      encode: (value) => (value as Encoded).bytes,
      decode<T>(bytes: Uint8Array): T {
        const answer = asBuffer(bytes);
        const notification = readNotification(answer);
        if (notification !== undefined) onNotification(notification);
        return answer as T;
      },
    };
    const codecs = { cbor: codec } as unknown as CodecRegistry;
    const engine = new NodeEngine({ options: {}, uniqueId: () => "", codecs });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    engine.subscribe("connected", () => resolve());
    engine.subscribe("error", (error) => reject(error.cause ?? error));
    // It reads nothing else of the state, and a URL would percent-encode the path.
    engine.open({ url: { toString: () => url } } as unknown as ConnectionState);
    await promise;
    return new RawEngine(engine);
  }

  /** The engine's answer, an error among them; rejects when it cannot make sense of the bytes. */
  execute(bytes: Uint8Array): Promise<Buffer> {
    const request: unknown = { method: "", bytes };
    this.#busy += 1;
    const answer: Promise<Buffer> = this.#engine.send(request as RpcRequest<string, undefined>);
    answer.then(this.#done, this.#done);
    return answer;
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#busy === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  readonly #done = (): void => {
    this.#busy -= 1;
    if (this.#busy === 0) for (const notify of this.#onIdle.splice(0)) notify();
  };

  async version(): Promise<unknown> {
    return decode(await this.execute(encode({ id: "0", method: "version" })));
  }

  /** For what is not in a hurry: values in, value out, an error thrown. */
  async call(method: string, params: readonly unknown[], session: SessionId): Promise<unknown> {
    return decode(await this.must(method, params, session));
  }

  /** The same with the answer as it came. */
  async must(method: string, params: readonly unknown[], session: SessionId): Promise<Buffer> {
    const uuid = new Uuid(formatUuid(session.key));
    const answer = await this.execute(encode({ id: "0", method, params, session: uuid }));
    if (isFailed(answer)) throw parseRpcError((decode(answer) as { error: Parameters<typeof parseRpcError>[0] }).error);
    return answer;
  }

  /** A query all of whose statements must succeed. */
  async query(text: string, values: { readonly [name: string]: unknown }, session: SessionId): Promise<void> {
    const responses = (await this.call("query", [text, values], session)) as readonly {
      status: string;
      result: unknown;
    }[];
    const failed = responses.find(({ status }) => status !== "OK");
    if (failed !== undefined) throw new Error(String(failed.result));
  }

  /** The database as SurrealQL. One at a time: it runs in the engine's only session without an id. */
  async export([namespace, database]: readonly unknown[], options: Uint8Array): Promise<string> {
    await this.execute(encode({ id: "0", method: "use", params: [namespace, database] }));
    const encoded: unknown = { bytes: options };
    const response = await this.#engine.exportSql(encoded as Partial<SqlExportOptions>);
    return response.text();
  }

  /** Nothing may be under way: closing under load can abort the process (SDK 2.0.8, engine 3.0.2). */
  close(): Promise<void> {
    return this.#engine.close();
  }
}
