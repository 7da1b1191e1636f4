/** Texts up to this are written byte by byte, as long as they are ASCII: faster than to ask for their size first. */
const SHORT_TEXT = 48;
const FIRST_SIZE = 4_096;
/** A larger buffer is not kept for the next message. */
const KEPT_SIZE = 1_048_576;

/** Writes the CBOR items (RFC 8949) that the engine reads, into a buffer that grows and is used again. */
export class CborWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_SIZE);
  #view: DataView = new DataView(this.#buffer.buffer);
  #length = 0;

  /** A copy of what was written since the last `clear()`. */
  bytes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
  }

  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > KEPT_SIZE) this.#resize(FIRST_SIZE);
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
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    const size = Buffer.byteLength(value);
    this.head(3, size);
    this.#reserve(size);
    this.#buffer.write(value, this.#advance(size), size, "utf8");
  }

  binary(bytes: Uint8Array): void {
    this.head(2, bytes.byteLength);
    this.raw(bytes);
  }

  /** An item that is encoded already. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#buffer.set(bytes, this.#advance(bytes.byteLength));
  }

  /** False where it holds anything else: then nothing was written. */
  #ascii(value: string): boolean {
    const before = this.#length;
    this.head(3, value.length);
    this.#reserve(value.length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit > 127) {
        this.#length = before;
        return false;
      }
      buffer[at] = unit;
      at += 1;
    }
    this.#length = at;
    return true;
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
    const needed = this.#length + count;
    if (needed > this.#buffer.length) this.#resize(Math.max(needed, this.#buffer.length * 2));
  }

  #resize(size: number): void {
    const buffer = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(buffer, 0, 0, this.#length);
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}
