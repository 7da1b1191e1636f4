import { invalid, isPlainObject } from "@db/core";
import { CborCodec } from "surrealdb";
import { CborReader } from "./cbor-reader.ts";
import { CborWriter } from "./cbor-writer.ts";

const NONE = 6;
const DATETIME = 12;
/** The bounds of the engine's calendar; a `Date` goes a little further. */
const EARLIEST_MS = -8_334_601_228_800_000;
const LATEST_MS = 8_210_266_876_799_999;

/** What the SDK makes of its own classes before they are written. */
interface Tagged {
  readonly tag: number;
  readonly value: unknown;
}

/** An item that is encoded already. */
export class Encoded {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/**
 * The SDK's codec, exact where the SDK's own is not (2.0.8): it throws on whole numbers beyond 2⁵³ (1e300), loses the
 * sign of −0 and own `__proto__` keys, wraps bigints beyond 64 bits, and throws on dates before 1970 with milliseconds.
 * Dates are native with milliseconds; the engine's nanoseconds are cut. The SDK's classes (Decimal, RecordId, …) pass
 * through its own `replacer` and `tagged`.
 */
export class ExactCodec extends CborCodec {
  /** The SDK does not export the class of its tagged items; NONE is one. */
  readonly #Tagged: unknown;
  readonly #readTag = (tag: number, value: unknown): unknown => this.#valueOf(tag, value);
  /** Used again for each message; undefined while one is being written, for a getter may lead back here. */
  #writer: CborWriter | undefined = new CborWriter();

  constructor() {
    super({});
    this.#Tagged = (this.replacer(undefined) as object).constructor;
  }

  override encode<T>(data: T): Uint8Array {
    const writer = this.#writer ?? new CborWriter();
    this.#writer = undefined;
    try {
      this.#write(writer, data);
      return writer.bytes();
    } finally {
      writer.clear();
      this.#writer = writer;
    }
  }

  override decode<T>(data: Uint8Array | ArrayBuffer): T {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
    return new CborReader(bytes, this.#readTag).read() as T;
  }

  /** A map whatever the tags in it mean: what `decode` refuses may still tell whose it is. Undefined for anything else. */
  skim(data: Uint8Array): { readonly [name: string]: unknown } | undefined {
    try {
      const found = new CborReader(data, (_, value) => value).read();
      return isPlainObject(found) ? found : undefined;
    } catch {
      return undefined;
    }
  }

  #write(writer: CborWriter, value: unknown): void {
    switch (typeof value) {
      case "undefined":
        writer.head(6, NONE);
        writer.simple(22);
        return;
      case "boolean":
        writer.simple(value ? 21 : 20);
        return;
      case "string":
        writer.text(value);
        return;
      case "bigint":
        if (BigInt.asIntN(64, value) !== value)
          throw new RangeError("an integer of more than 64 bits cannot be stored");
        writer.integer(value);
        return;
      case "number":
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) writer.integer(value);
        else writer.float(value);
        return;
      case "object":
        this.#writeObject(writer, value);
        return;
      default:
        throw new TypeError(`a ${typeof value} cannot be stored`);
    }
  }

  #writeObject(writer: CborWriter, value: object | null): void {
    if (value === null) writer.simple(22);
    else if (Array.isArray(value)) {
      writer.head(4, value.length);
      for (const item of value) this.#write(writer, item);
    } else if (value instanceof Date) this.#writeDate(writer, value.getTime());
    else if (value instanceof ArrayBuffer) writer.binary(new Uint8Array(value));
    else if (ArrayBuffer.isView(value)) writer.binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (value instanceof Map) this.#writeMap(writer, [...value]);
    else if (isPlainObject(value)) this.#writeMap(writer, Object.entries(value));
    else this.#writeClass(writer, value);
  }

  #writeDate(writer: CborWriter, milliseconds: number): void {
    if (milliseconds < EARLIEST_MS || milliseconds > LATEST_MS)
      throw invalid([], "date", "a date that SurrealDB can hold");
    const seconds = Math.floor(milliseconds / 1_000);
    writer.head(6, DATETIME);
    writer.head(4, 2);
    writer.integer(seconds);
    writer.integer((milliseconds - seconds * 1_000) * 1_000_000);
  }

  #writeMap(writer: CborWriter, entries: readonly (readonly [unknown, unknown])[]): void {
    writer.head(5, entries.length);
    for (const [name, value] of entries) {
      writer.text(String(name));
      this.#write(writer, value);
    }
  }

  /** An SDK class becomes a tagged item; one of its tagged items may hold further ones. */
  #writeClass(writer: CborWriter, value: object): void {
    if (value instanceof Encoded) {
      writer.raw(value.bytes);
      return;
    }
    const item: unknown = this.#isTagged(value) ? value : this.replacer(value);
    if (this.#isTagged(item)) {
      writer.head(6, item.tag);
      this.#write(writer, item.value);
    } else this.#writeMap(writer, Object.entries(value));
  }

  #valueOf(tag: number, value: unknown): unknown {
    if (tag === NONE) return undefined;
    if (tag === DATETIME) {
      const [seconds, nanoseconds] = value as readonly [number, number];
      return new Date(Number(seconds) * 1_000 + Math.floor(Number(nanoseconds) / 1_000_000));
    }
    const make = this.tagged[tag];
    if (make === undefined) throw new RangeError(`CBOR tag ${tag} is not expected here`);
    return make(value);
  }

  #isTagged(value: unknown): value is Tagged {
    return typeof value === "object" && value !== null && value.constructor === this.#Tagged;
  }
}
