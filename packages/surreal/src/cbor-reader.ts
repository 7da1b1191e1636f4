import { setField } from "@db/core";

const TEXT = new TextDecoder();

/** Makes a value of a tagged item. */
export type ReadTag = (tag: number, value: unknown) => unknown;

/** Reads the CBOR items (RFC 8949) that the engine writes. */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #readTag: ReadTag;
  #at = 0;

  constructor(bytes: Uint8Array, readTag: ReadTag) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#readTag = readTag;
  }

  read(): unknown {
    const head = this.#view.getUint8(this.#advance(1));
    const info = head & 31;
    switch (head >> 5) {
      case 0:
        return normal(this.#argument(info));
      case 1:
        return normal(-this.#argument(info) - 1n);
      case 2:
        return this.#slice(info).slice();
      case 3:
        return TEXT.decode(this.#slice(info));
      case 4:
        return Array.from({ length: Number(this.#argument(info)) }, () => this.read());
      case 5:
        return this.#map(Number(this.#argument(info)));
      case 6:
        return this.#readTag(Number(this.#argument(info)), this.read());
      default:
        return this.#simple(info);
    }
  }

  #map(size: number): unknown {
    const map: { [field: string]: unknown } = {};
    for (let index = 0; index < size; index += 1) setField(map, String(this.read()), this.read());
    return map;
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

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info);
    switch (info) {
      case 24:
        return BigInt(this.#view.getUint8(this.#advance(1)));
      case 25:
        return BigInt(this.#view.getUint16(this.#advance(2)));
      case 26:
        return BigInt(this.#view.getUint32(this.#advance(4)));
      case 27:
        return this.#view.getBigUint64(this.#advance(8));
      default:
        throw new RangeError("CBOR items of indefinite length are not expected here");
    }
  }

  #slice(info: number): Uint8Array {
    const length = Number(this.#argument(info));
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  #advance(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

function normal(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? (sign * fraction * 2 ** -14) / 1024 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
