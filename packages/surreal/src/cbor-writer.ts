const TEXT = new TextEncoder();

/** Writes the CBOR items (RFC 8949) that the engine reads, into a buffer that grows. */
export class CborWriter {
  #buffer = new Uint8Array(512);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** The head of an item: its major type and a count, length, tag or integer. */
  head(major: number, value: number | bigint): void {
    this.#reserve(9);
    const type = major << 5;
    if (value < 24) this.#byte(type | Number(value));
    else if (value < 0x100) {
      this.#byte(type | 24);
      this.#byte(Number(value));
    } else if (value < 0x10000) {
      this.#byte(type | 25);
      this.#view.setUint16(this.#advance(2), Number(value));
    } else if (value < 0x100000000) {
      this.#byte(type | 26);
      this.#view.setUint32(this.#advance(4), Number(value));
    } else {
      this.#byte(type | 27);
      this.#view.setBigUint64(this.#advance(8), BigInt(value));
    }
  }

  /** A simple value: false, true, null, … */
  simple(value: number): void {
    this.#reserve(1);
    this.#byte(0xe0 | value);
  }

  integer(value: number | bigint): void {
    if (value >= 0) this.head(0, value);
    else this.head(1, typeof value === "bigint" ? -(value + 1n) : -(value + 1));
  }

  float(value: number): void {
    this.#reserve(9);
    this.#byte(0xfb);
    this.#view.setFloat64(this.#advance(8), value);
  }

  text(value: string): void {
    const bytes = TEXT.encode(value);
    this.head(3, bytes.byteLength);
    this.#append(bytes);
  }

  binary(bytes: Uint8Array): void {
    this.head(2, bytes.byteLength);
    this.#append(bytes);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#buffer.set(bytes, this.#advance(bytes.byteLength));
  }

  #byte(value: number): void {
    this.#buffer[this.#advance(1)] = value;
  }

  #advance(count: number): number {
    const at = this.#length;
    this.#length += count;
    return at;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    let size = this.#buffer.length * 2;
    while (size < this.#length + count) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}
