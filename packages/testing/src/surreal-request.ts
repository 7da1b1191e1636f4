import type { SessionId } from "./surreal-uuid.ts";

const NONE = 0xf6;

/** Where an item stands in a request. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * A request of SurrealDB's RPC protocol, as it came: a CBOR map. Only what the server must know is read, the parameters
 * are passed on as they are.
 */
export class RpcRequest {
  readonly bytes: Buffer;
  /** The item `id`, as it came. */
  id: Buffer | undefined;
  method = "";
  /** The client's own session, as 32 hex digits; undefined is the session of the socket. */
  session: string | undefined;
  /** The transaction, as 32 hex digits. */
  transaction: string | undefined;
  params: Span | undefined;
  /** The pair of the session, also where its value is none. */
  #sessionPair: Span | undefined;
  #size = 0;

  /** @throws RangeError when it is not a CBOR map of definite length that ends within the message */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    const head = bytes.readUInt8(0);
    if (head < 0xa0 || head > 0xb7) throw new RangeError("expected a CBOR map of at most 23 pairs");
    this.#size = head & 31;
    let at = 1;
    for (let pair = 0; pair < this.#size; pair += 1) at = this.#readPair(at);
    if (at !== bytes.length) throw new RangeError("expected the message to end with its map");
  }

  #readPair(start: number): number {
    const head = this.bytes.readUInt8(start);
    // Every key of a request is a text of less than 24 bytes.
    if (head < 0x60 || head > 0x77) throw new RangeError("expected short texts as keys");
    const value = start + 1 + (head & 31);
    const end = skipItem(this.bytes, value);
    switch (this.bytes.toString("latin1", start + 1, value)) {
      case "id":
        this.id = this.bytes.subarray(value, end);
        break;
      case "method":
        refuseSecond(this.method !== "", "method");
        this.method = readText(this.bytes, value, end);
        break;
      case "params":
        refuseSecond(this.params !== undefined, "params");
        this.params = { start: value, end };
        break;
      case "session":
        refuseSecond(this.#sessionPair !== undefined, "session");
        this.#sessionPair = { start, end };
        this.session = readUuid(this.bytes, value, end);
        break;
      case "txn":
        refuseSecond(this.transaction !== undefined, "txn");
        this.transaction = readUuid(this.bytes, value, end);
    }
    return end;
  }

  /** The same request in a session of the engine; a session that the client named is overwritten in place. */
  within(session: SessionId): Buffer {
    const { bytes } = this;
    const pair = this.#sessionPair ?? { start: bytes.length, end: bytes.length };
    if (this.session !== undefined && pair.end - pair.start === session.pair.length) {
      session.pair.copy(bytes, pair.start);
      return bytes;
    }
    const size = this.#size + (this.#sessionPair === undefined ? 1 : 0);
    const length = bytes.length - (pair.end - pair.start);
    const out = Buffer.allocUnsafe(length + session.pair.length);
    out[0] = 0xa0 | size;
    bytes.copy(out, 1, 1, pair.start);
    bytes.copy(out, pair.start, pair.end);
    session.pair.copy(out, length);
    return out;
  }

  /** The UUID that is the only parameter, as `commit` and `cancel` have it. */
  soleUuid(): string | undefined {
    const { start, end } = this.params ?? { start: 0, end: 0 };
    const isOne = end - start === 20 && this.bytes.readUInt8(start) === 0x81;
    return isOne ? readUuid(this.bytes, start + 1, end) : undefined;
  }
}

/** Which of two the engine would take is not ours to guess. */
function refuseSecond(isSecond: boolean, key: string): void {
  if (isSecond) throw new RangeError(`expected one ${key}`);
}

/** A UUID as 32 hex digits, of tag 37 (16 bytes) or tag 9 (a text); undefined for anything else. */
function readUuid(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start === 19 && bytes.readUInt8(start) === 0xd8 && bytes.readUInt8(start + 1) === 37)
    return bytes.toString("hex", start + 3, end);
  if (end - start === 39 && bytes.readUInt8(start) === 0xc9)
    return bytes
      .toString("latin1", start + 3, end)
      .replaceAll("-", "")
      .toLowerCase();
  if (end - start === 2 && bytes.readUInt8(start + 1) === NONE) return undefined;
  if (end - start === 1 && bytes.readUInt8(start) === NONE) return undefined;
  throw new RangeError("expected a UUID");
}

function readText(bytes: Buffer, start: number, end: number): string {
  const head = bytes.readUInt8(start);
  if (head >> 5 !== 3) throw new RangeError("expected a text");
  return bytes.toString("utf8", start + 1 + argumentSize(head & 31), end);
}

/** Where the item that starts here ends. It goes through the items one by one, so that no depth is too deep for it. */
function skipItem(bytes: Buffer, start: number): number {
  let at = start;
  for (let left = 1; left > 0; left -= 1) {
    const head = bytes.readUInt8(at);
    const info = head & 31;
    const size = argumentSize(info);
    const argument = size === 0 ? info : readArgument(bytes, at + 1, size);
    at += 1 + size;
    switch (head >> 5) {
      case 2:
      case 3:
        at += argument;
        break;
      case 4:
        left += argument;
        break;
      case 5:
        left += argument * 2;
        break;
      case 6:
        left += 1;
    }
    if (at > bytes.length) throw new RangeError("expected the item to end within the message");
  }
  return at;
}

function argumentSize(info: number): number {
  if (info < 24) return 0;
  if (info > 27) throw new RangeError("expected items of definite length");
  return 1 << (info - 24);
}

function readArgument(bytes: Buffer, at: number, size: number): number {
  switch (size) {
    case 1:
      return bytes.readUInt8(at);
    case 2:
      return bytes.readUInt16BE(at);
    case 4:
      return bytes.readUInt32BE(at);
    default:
      return Number(bytes.readBigUInt64BE(at));
  }
}
