import { DatabaseErrorOf, isPlainObject } from "@db/core";
import type { CborCodec, Uuid } from "surrealdb";
import { parseRpcError } from "surrealdb";
import type { ExactCodec } from "./codec.ts";
import { classify } from "./errors.ts";
import type { Response } from "./responses.ts";
import type { Asked } from "./session.ts";

/** A call of SurrealDB's RPC protocol. */
export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
  /** The session it runs in; undefined for the connection's own. */
  readonly session?: Uuid | undefined;
  /** The transaction it runs in. */
  readonly txn?: Uuid | undefined;
  /** A statement of ours on one record, with the session's variables alone: it may go in one message with others. */
  readonly shareable?: boolean;
}

/** Who waits for an answer. Exactly one of these is called, once. */
export interface RpcReceiver {
  /** How long the message was, once it is sent. */
  sentBytes?: number;
  answered(result: unknown): void;
  /** The server says no: nothing of the request was done. */
  refused(error: Error): void;
  /** The connection ended before an answer: the request may have been carried out. */
  lost(cause: unknown): void;
}

/** The parts of an error as the protocol has it; older servers send `code` and `message` only. */
interface RawError {
  readonly code: number;
  readonly kind?: string;
  readonly message: string;
  readonly details?: unknown;
  readonly cause?: unknown;
}

/** The message of a request. */
export function encodeRequest(codec: CborCodec, id: number, { method, params, session, txn }: RpcRequest): Uint8Array {
  return codec.encode({
    id,
    method,
    params,
    ...(session === undefined ? {} : { session }),
    ...(txn === undefined ? {} : { txn }),
  });
}

/** What a server sends. */
export interface Message {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** @throws Error for what is no message */
export function readMessage(codec: ExactCodec, bytes: Uint8Array): Message {
  const message = decode(codec, bytes);
  if (typeof message === "object" && message !== null) return message;
  throw new Error("the server sent what is no message");
}

/** An answer with a value of an unknown kind, such as a later server may give, is the matter of its request alone. */
function decode(codec: ExactCodec, bytes: Uint8Array): unknown {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    const id = codec.skim(bytes)?.id;
    if (id === undefined) throw new Error("the server sent what is no CBOR", { cause });
    return { id, error: { code: 0, message: `the answer cannot be read: ${String(cause)}` } };
  }
}

/** Of a request that was not sent, or refused by its size before it was read. */
export function payloadTooLarge(limitBytes: number): DatabaseErrorOf<"PAYLOAD_TOO_LARGE"> {
  return new DatabaseErrorOf("PAYLOAD_TOO_LARGE", `a request is larger than ${limitBytes} bytes`, { limitBytes });
}

/** Of an answer that was not taken. */
export function answerTooLarge(limitBytes: number): DatabaseErrorOf<"PAYLOAD_TOO_LARGE"> {
  const message = `the answer is larger than ${limitBytes} bytes: ask for less at a time`;
  return new DatabaseErrorOf("PAYLOAD_TOO_LARGE", message, { limitBytes }, { effect: "unknown" });
}

/** The SDK's own, which throw when they are looked at if they are made of what is no error. */
export function serverError(raw: unknown): Error {
  return isError(raw) ? parseRpcError(raw) : new Error("the server sent what is no error", { cause: raw });
}

function isError(raw: unknown): raw is Parameters<typeof parseRpcError>[0] {
  if (!isPlainObject(raw)) return false;
  const { code, kind, message, cause } = raw;
  const isOdd = (part: unknown, type: string): boolean => part !== undefined && part !== null && typeof part !== type;
  if (isOdd(code, "number") || isOdd(kind, "string") || isOdd(message, "string")) return false;
  return cause === undefined || cause === null || isError(cause);
}

/** What the statements of a text answered. */
export function readResponses(result: unknown): readonly Response[] {
  return (result as readonly RawResponse[]).map(readResponse);
}

interface RawResponse {
  readonly status: string;
  readonly result: unknown;
  readonly kind?: string;
  readonly details?: unknown;
  readonly cause?: unknown;
}

function readResponse(raw: RawResponse): Response {
  if (raw.status === "OK") return { success: true, result: raw.result };
  const error: RawError = {
    code: 0,
    message: String(raw.result),
    ...(raw.kind === undefined ? {} : { kind: raw.kind }),
    details: unwrapped(raw),
    cause: raw.cause,
  };
  return { success: false, error: serverError(error) };
}

/** The details of a statement's error may come wrapped in their kind. */
function unwrapped({ kind, details }: RawResponse): unknown {
  const outer = details as { readonly kind?: unknown; readonly details?: unknown } | null | undefined;
  return outer?.kind === kind && typeof outer?.details === "object" ? outer.details : details;
}

/** The result of a text of one statement. @throws DatabaseError */
export function firstResult(result: unknown, { effect, id }: Asked): unknown {
  const [raw] = result as readonly RawResponse[];
  if (raw?.status === "OK") return raw.result;
  const response = raw === undefined ? undefined : readResponse(raw);
  const error = response?.success === false ? response.error : new Error("the server answered nothing");
  throw classify(error, id === undefined ? { effect } : { effect, id });
}
