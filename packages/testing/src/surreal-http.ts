import type { IncomingMessage, ServerResponse } from "node:http";
import { jsonify } from "surrealdb";
import type { RawEngine } from "./surreal-engine.ts";
import { claimed, type FaultState } from "./surreal-fault-state.ts";
import { HttpRefusal, readBody, withHttpSession } from "./surreal-http-session.ts";
import {
  decode,
  encode,
  internal,
  invalidRequest,
  isFailed,
  methodNotFound,
  NOT_SIGNED_IN,
  replyTo,
} from "./surreal-reply.ts";
import { RpcRequest } from "./surreal-request.ts";
import type { GatedSession } from "./surreal-session.ts";

const CBOR = "application/cbor";
const JSON_TYPE = "application/json";
const MIB = 1_048_576;
/** What needs a connection that lasts. */
const NOT_OVER_HTTP: ReadonlySet<string> = new Set("attach begin cancel commit detach kill live sessions".split(" "));

/** What the HTTP side is answered from. */
export interface HttpParts {
  readonly engine: RawEngine;
  readonly faults: FaultState;
  /** As the engine tells it. */
  readonly version: string;
}

/** The HTTP side of a server: /health, /status, /version, /rpc, /sql, /import and /export. */
export class SurrealHttp {
  readonly #parts: HttpParts;
  /** Exports share one session of the engine. */
  #lastExport: Promise<unknown> = Promise.resolve();

  constructor(parts: HttpParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response);
    } catch (error) {
      const status = error instanceof HttpRefusal ? error.status : 400;
      const information = error instanceof Error ? error.message : String(error);
      answer(response, status, JSON_TYPE, JSON.stringify({ code: status, information }));
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    switch (`${request.method} ${pathname}`) {
      case "GET /health":
      case "GET /status":
        return answer(response, 200);
      case "GET /version":
        if (this.#parts.faults.now.versionNever) return;
        return answer(response, 200, "text/plain", claimed(this.#parts.faults.now.version ?? this.#parts.version));
      case "POST /rpc":
        return this.#rpc(request, response);
      case "POST /sql":
        return this.#sql(request, response, await readBody(request, MIB), Object.fromEntries(searchParams));
      case "POST /import":
        return this.#sql(request, response, await readBody(request, 128 * MIB), {});
      case "POST /export":
      case "GET /export":
        return this.#export(request, response);
      default:
        throw new HttpRefusal(404, "The requested resource was not found");
    }
  }

  async #rpc(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { engine, faults } = this.#parts;
    const body = await readBody(incoming, 4 * MIB);
    let request: RpcRequest;
    try {
      request = new RpcRequest(body);
    } catch (error) {
      return answer(response, 200, CBOR, replyTo(undefined, invalidRequest((error as Error).message)));
    }
    faults.requests += 1;
    const fate = faults.meet(request);
    const result =
      fate.answer ?? (await withHttpSession(engine, incoming.headers, (session) => execute(engine, request, session)));
    if (fate.delayMs > 0) await faults.wait(fate.delayMs);
    if (fate.isDropped) response.destroy();
    else if (!fate.isIgnored) answer(response, 200, CBOR, replyTo(request.id, result));
  }

  async #sql(
    request: IncomingMessage,
    response: ServerResponse,
    text: Buffer,
    values: { readonly [name: string]: string },
  ): Promise<void> {
    const { engine } = this.#parts;
    const query = new RpcRequest(encode({ id: "0", method: "query", params: [text.toString(), values] }));
    const result = await withHttpSession(engine, request.headers, (session) => execute(engine, query, session));
    refuseFailure(result);
    if (request.headers.accept?.includes(CBOR)) answer(response, 200, CBOR, result);
    else answer(response, 200, JSON_TYPE, toJson(decode(result)));
  }

  async #export(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { engine } = this.#parts;
    const body = await readBody(request, MIB);
    await withHttpSession(engine, request.headers, async (session) => {
      // The engine exports as its owner: whoever may not see the database is refused by this.
      const mayRead = new RpcRequest(encode({ id: "0", method: "query", params: ["INFO FOR DB"] }));
      const [info] = decodeAnswer(await execute(engine, mayRead, session)) as readonly {
        status: string;
        result: unknown;
      }[];
      if (info?.status !== "OK") throw new HttpRefusal(403, String(info?.result));
    });
    const place = [request.headers["surreal-ns"], request.headers["surreal-db"]];
    const exported = this.#lastExport.then(() => engine.export(place, body.length === 0 ? encode({}) : body));
    this.#lastExport = exported.catch(() => {});
    answer(response, 200, "text/plain; charset=utf-8", await exported);
  }
}

async function execute(engine: RawEngine, request: RpcRequest, session: GatedSession): Promise<Buffer> {
  if (NOT_OVER_HTTP.has(request.method)) return methodNotFound(request.method);
  return session.run(request.method, () => engine.execute(request.within(session.id))).catch(internal);
}

function refuseFailure(result: Buffer): void {
  if (result === NOT_SIGNED_IN) throw new HttpRefusal(403, "There was a problem with authentication");
  if (isFailed(result)) throw new HttpRefusal(400, (decode(result) as { error: { message: string } }).error.message);
}

function decodeAnswer(result: Buffer): unknown {
  refuseFailure(result);
  return decode(result);
}

function answer(response: ServerResponse, status: number, type?: string, body: Buffer | string = ""): void {
  if (response.headersSent) return;
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const headers = { "content-length": bytes.length, ...(type !== undefined && { "content-type": type }) };
  response.writeHead(status, headers).end(bytes);
}

/** Whole numbers beyond 2⁵³ become texts: JSON has no bigint. */
function toJson(value: unknown): string {
  return JSON.stringify(jsonify(value), (_, item: unknown) => (typeof item === "bigint" ? item.toString() : item));
}
