import { CborCodec } from "surrealdb";
import { formatUuid } from "./surreal-uuid.ts";

const codec = new CborCodec({});

const NULL = Buffer.from([0xf6]);
const HEAD = Buffer.from([0xa2, 0x62, 0x69, 0x64]);
const RESULT = Buffer.from("fresult", "latin1");
const ERROR = Buffer.from("eerror", "latin1");
/** How the engine begins an answer that is an error: a map of one pair, `error`. */
const FAILED = Buffer.from("\xa1eerror", "latin1");
const NOTIFICATION = Buffer.from("\xa5faction", "latin1");
const SESSION_KEY = Buffer.from("gsession", "latin1");
const NO_SESSION = Buffer.from("gsession\xc6\xf6", "latin1");
const LIVE_HEAD = Buffer.from("\xa1fresult\xa4", "latin1");

/** An error as the protocol tells it. */
interface RpcFailure {
  readonly code: number;
  readonly kind: string;
  readonly message: string;
  readonly details?: { readonly [name: string]: unknown };
}

export function encode(value: unknown): Buffer {
  return asBuffer(codec.encode(value));
}

export function decode(bytes: Uint8Array): unknown {
  return codec.decode(bytes);
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An error has a cause first, be it none: a function of the user's may well return `{ error: … }`. */
export function isFailed(answer: Buffer): boolean {
  const at = FAILED.length;
  return startsWith(answer, FAILED) && answer.toString("latin1", at + 1, at + 7) === "ecause";
}

function startsWith(bytes: Buffer, head: Buffer): boolean {
  return bytes.length > head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0;
}

function endsWith(bytes: Buffer, tail: Buffer): boolean {
  return bytes.length > tail.length && bytes.subarray(-tail.length).equals(tail);
}

/** The frame of an answer: the engine's bytes are passed on as they are. */
export function replyTo(id: Buffer | undefined, answer: Buffer): Buffer {
  return isFailed(answer)
    ? Buffer.concat([HEAD, id ?? NULL, ERROR, answer.subarray(FAILED.length)])
    : Buffer.concat([HEAD, id ?? NULL, RESULT, answer]);
}

/** An error as the engine would answer it. */
function failure(error: RpcFailure): Buffer {
  return encode({ error: { cause: undefined, ...error } });
}

/** What the engine tells of a live query: the record as it is now, or that it has ended with its table. */
export interface Notification {
  /** The session that asked, or where the engine names none (of an end) the live query itself. 32 hex digits. */
  readonly listener: string;
  /** What the client is sent. */
  readonly frame: Buffer;
}

/** The engine's own form, keys in alphabetical order; undefined for anything else. */
export function readNotification(bytes: Buffer): Notification | undefined {
  if (bytes.length < 48 || !startsWith(bytes, NOTIFICATION)) return undefined;
  const query = 15 + (bytes.readUInt8(8) & 31);
  if (bytes.toString("latin1", query - 6, query) !== "bid\xd8%P") return undefined;
  const isOwned = bytes.compare(SESSION_KEY, 0, 8, bytes.length - 27, bytes.length - 19) === 0;
  if (!isOwned && !endsWith(bytes, NO_SESSION)) return undefined;
  const pair = bytes.length - (isOwned ? 27 : NO_SESSION.length);
  return {
    listener: isOwned ? bytes.toString("hex", bytes.length - 16) : bytes.toString("hex", query, query + 16),
    frame: Buffer.concat([LIVE_HEAD, bytes.subarray(1, pair)]),
  };
}

/** What a server answers when nobody signed in on the session. */
export const NOT_SIGNED_IN: Buffer = failure({
  code: -32_002,
  kind: "NotAllowed",
  message: "IAM error: Not enough permissions to perform this action",
  details: {
    kind: "Auth",
    details: { kind: "NotAllowed", details: { actor: "anonymous", action: "process", resource: "query" } },
  },
});

export const SESSION_EXPIRED: Buffer = failure({
  code: -32_000,
  kind: "NotAllowed",
  message: "The session has expired",
  details: { kind: "Auth", details: { kind: "SessionExpired" } },
});

const invalidParams = { code: -32_603, kind: "Validation", details: { kind: "InvalidParams" } };

export const TRANSACTION_NOT_FOUND: Buffer = failure({ ...invalidParams, message: "Transaction not found" });

export const TRANSACTION_EXPECTED: Buffer = failure({ ...invalidParams, message: "Expected transaction UUID" });

export function sessionNotFound(key: string): Buffer {
  return failure(aboutSession("NotFound", "Session not found", key));
}

export function sessionExists(key: string): Buffer {
  return failure(aboutSession("AlreadyExists", "Session already exists", key));
}

function aboutSession(kind: string, text: string, key: string): RpcFailure {
  const id = formatUuid(key);
  return { code: -32_000, kind, message: `${text}: ${id}`, details: { kind: "Session", details: { id } } };
}

export function methodNotFound(name: string): Buffer {
  const details = { kind: "Method", details: { name } };
  return failure({ code: -32_601, kind: "NotFound", message: "Method not found", details });
}

export function invalidRequest(message: string): Buffer {
  return failure({ code: -32_600, kind: "Validation", message: `Invalid request: ${message}` });
}

export function internal(error: unknown): Buffer {
  return failure({ code: -32_000, kind: "Internal", message: error instanceof Error ? error.message : String(error) });
}
