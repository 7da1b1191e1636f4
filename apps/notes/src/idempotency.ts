import { createHash } from "node:crypto";
import { isOperationReused } from "@db/core";
import { HttpFault } from "./problem.ts";

/** What a request becomes that may be sent again: the same write, however often it comes. */
export interface Repeatable {
  readonly operationId: string;
  /** The key of the record that it makes. */
  readonly recordKey: string;
  /** Of the body: another one under the same key is refused. */
  readonly fingerprint: string;
}

/**
 * Requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07). Nothing is kept here but the keys of
 * requests that run at this moment: operation and record are derived from the key, so that a repeat finds them in the
 * database's ledger or in the queue, also after a restart.
 */
export class IdempotentRequests {
  readonly #running = new Set<string>();

  /**
   * @param route what the key is for; the same key on another route is another one
   * @throws HttpFault 409 while a request of this key runs, 422 where its body is another one
   */
  async run<T>(route: string, key: string, body: string, work: (as: Repeatable) => Promise<T>): Promise<T> {
    const name = `${route} ${key}`;
    if (this.#running.has(name))
      throw new HttpFault(409, "a request with this Idempotency-Key is still running", {
        headers: { "retry-after": "1" },
      });
    this.#running.add(name);
    try {
      return await work({ ...identify(name), fingerprint: digest(body).toString("base64url") });
    } catch (error) {
      if (!isOperationReused(error)) throw error;
      throw new HttpFault(422, "this Idempotency-Key was used with another body");
    } finally {
      this.#running.delete(name);
    }
  }
}

/**
 * The key of a request: visible characters, with or without the quotes of a structured field.
 * @throws HttpFault 400
 */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, quoted, bare] = /^\s*(?:"([ !#-~]{1,255})"|([!-~]{1,255}))\s*$/.exec(header) ?? [];
  const key = quoted ?? bare;
  if (key === undefined) throw new HttpFault(400, "Idempotency-Key: expected 1..255 visible ASCII characters");
  return key;
}

function identify(name: string): Pick<Repeatable, "operationId" | "recordKey"> {
  const bytes = digest(name);
  const operationId = `key-${bytes.toString("base64url")}`;
  // A UUID of version 8 (RFC 9562): of our own making.
  const own = Buffer.from(bytes.subarray(0, 16));
  own[6] = ((own[6] ?? 0) & 0x0f) | 0x80;
  own[8] = ((own[8] ?? 0) & 0x3f) | 0x80;
  return { operationId, recordKey: own.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
