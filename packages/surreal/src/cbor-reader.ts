import { setField } from "@db/core";

/** Makes a value of a tagged item. */
export type ReadTag = (tag: number, value: unknown) => unknown;

/** Two to the 32nd: what the upper half of a long argument counts in. */
const UPPER = 0x1_0000_0000;
/** The upper half of the first integer beyond 2⁵³ − 1. */
const UNSAFE_UPPER = 0x20_0000;
/** Names of fields this short are remembered: rows of a table have the same ones. */
const SHORT_NAME = 24;
const NAMES = 512;

/** Reads the CBOR items (RFC 8949) that the engine writes. */
export class CborReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #readTag: ReadTag;
  #at = 0;

  constructor(bytes: Uint8Array, readTag: ReadTag) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#readTag = readTag;
  }

  /** @throws RangeError for what ends too early or the engine never writes */
  read(): unknown {
    const head = this.#view.getUint8(this.#advance(1));
    const info = head & 31;
    switch (head >> 5) {
      case 0:
        return info < 24 ? info : this.#integer(info);
      case 1:
        return info < 24 ? -1 - info : negative(this.#integer(info));
      case 2: {
        const length = this.#length(info);
        const start = this.#advance(length);
        return Uint8Array.prototype.slice.call(this.#bytes, start, start + length);
      }
      case 3:
        return this.#text(this.#length(info));
      case 4:
        return this.#array(this.#length(info));
      case 5:
        return this.#map(this.#length(info));
      case 6:
        return this.#readTag(this.#length(info), this.read());
      default:
        return this.#simple(info);
    }
  }

  #array(length: number): unknown {
    // Grown, not allocated: a length that lies must not cost memory.
    const items: unknown[] = [];
    for (let index = 0; index < length; index += 1) items.push(this.read());
    return items;
  }

  #map(size: number): unknown {
    const map: { [field: string]: unknown } = {};
    for (let index = 0; index < size; index += 1) setField(map, this.#name(), this.read());
    return map;
  }

  #name(): string {
    const head = this.#view.getUint8(this.#at);
    const length = head - 0x60;
    if (length < 0 || length >= SHORT_NAME) return String(this.read());
    this.#at += 1;
    const start = this.#advance(length);
    return shortName(this.#bytes, start, length);
  }

  #text(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  #simple(info: number): unknown {
    switch (info) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return halfFloat(this.#view.getUint16(this.#advance(2)));
      case 26:
        return this.#view.getFloat32(this.#advance(4));
      case 27:
        return this.#view.getFloat64(this.#advance(8));
      default:
        throw new RangeError(`CBOR simple value ${info} is not expected here`);
    }
  }

  #length(info: number): number {
    return info < 24 ? info : Number(this.#integer(info));
  }

  #integer(info: number): number | bigint {
    switch (info) {
      case 24:
        return this.#view.getUint8(this.#advance(1));
      case 25:
        return this.#view.getUint16(this.#advance(2));
      case 26:
        return this.#view.getUint32(this.#advance(4));
      case 27: {
        const at = this.#advance(8);
        const upper = this.#view.getUint32(at);
        return upper < UNSAFE_UPPER ? upper * UPPER + this.#view.getUint32(at + 4) : this.#view.getBigUint64(at);
      }
      default:
        throw new RangeError("CBOR items of indefinite length are not expected here");
    }
  }

  #advance(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new RangeError("CBOR ends within an item");
    return at;
  }
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === "bigint") return -argument - 1n;
  // −2⁵³ is one beyond what a number holds exactly.
  return argument === Number.MAX_SAFE_INTEGER ? -BigInt(argument) - 1n : -argument - 1;
}

interface Name {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const names: (Name | undefined)[] = new Array(NAMES);

/** The name in these bytes: by comparing, where it was read before, since making a string of them takes longer. */
function shortName(bytes: Buffer, start: number, length: number): string {
  const slot = slotOf(bytes, start, length);
  const known = names[slot];
  if (known !== undefined && known.bytes.length === length && isAt(known.bytes, bytes, start)) return known.text;
  const text = bytes.toString("utf8", start, start + length);
  names[slot] = { bytes: Uint8Array.prototype.slice.call(bytes, start, start + length), text };
  return text;
}

function slotOf(bytes: Buffer, start: number, length: number): number {
  let hash = length;
  for (let at = start; at < start + length; at += 1) hash = (hash * 31 + (bytes[at] ?? 0)) | 0;
  return hash & (NAMES - 1);
}

function isAt(name: Uint8Array, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < name.length; index += 1) if (name[index] !== bytes[start + index]) return false;
  return true;
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? (sign * fraction * 2 ** -14) / 1024 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
