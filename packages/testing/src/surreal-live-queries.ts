import { Uuid } from "surrealdb";
import type { Listeners } from "./surreal-client.ts";
import { decode, isFailed, type Notification } from "./surreal-reply.ts";
import type { RpcRequest } from "./surreal-request.ts";
import type { GatedSession } from "./surreal-session.ts";
import { formatUuid } from "./surreal-uuid.ts";

/** Cheap signs that a query may start or end a live query; where they mislead, only a count is wrong. */
const STARTS = ["LIVE", "live", "Live"].map((word) => Buffer.from(word));
const ENDS = ["KILL", "kill", "Kill"].map((word) => Buffer.from(word));

/** The live queries of a client, to count them and to hear of their end: the engine keeps them. */
export class LiveQueries {
  /** By id, as 32 hex digits. */
  readonly #owners = new Map<string, GatedSession>();
  readonly #listeners: Listeners;
  readonly #tell: (notification: Notification) => void;

  constructor(listeners: Listeners, tell: (notification: Notification) => void) {
    this.#listeners = listeners;
    this.#tell = tell;
  }

  get size(): number {
    return this.#owners.size;
  }

  follow(request: RpcRequest, answer: Buffer, owner: GatedSession): void {
    if (mayBe("live", STARTS, request)) for (const id of started(answer)) this.#add(id, owner);
    if (this.#owners.size > 0 && mayBe("kill", ENDS, request))
      for (const id of this.#owners.keys()) if (names(request, id)) this.#remove(id);
  }

  drop(owner: GatedSession): void {
    for (const [id, of] of this.#owners) if (of === owner) this.#remove(id);
  }

  #add(id: string, owner: GatedSession): void {
    this.#owners.set(id, owner);
    this.#listeners.set(id, (end) => {
      this.#remove(id);
      this.#tell(end);
    });
  }

  #remove(id: string): void {
    this.#owners.delete(id);
    this.#listeners.delete(id);
  }
}

function mayBe(rpc: string, words: readonly Buffer[], { method, bytes }: RpcRequest): boolean {
  return method === rpc || (method === "query" && words.some((word) => bytes.includes(word)));
}

/** The ids that an answer of `live`, or the statements of a query, tell. */
function started(answer: Buffer): readonly string[] {
  if (isFailed(answer)) return [];
  const value = decode(answer);
  const results: readonly { readonly type?: unknown; readonly result?: unknown }[] = Array.isArray(value)
    ? value
    : [{ type: "live", result: value }];
  return results.flatMap(({ type, result }) =>
    type === "live" && result instanceof Uuid ? [result.toString().replaceAll("-", "")] : [],
  );
}

/** Whether the id stands in the text or among the parameters. */
function names({ bytes }: RpcRequest, id: string): boolean {
  return bytes.includes(Buffer.from(id, "hex")) || bytes.includes(formatUuid(id));
}
