import type { Entry } from "./entry.ts";
import type { StoredWrite } from "./stored-write.ts";

/**
 * How writes become bytes. The id is stored with each entry, so it must never change its meaning; 1 to 63 are this
 * package's own. Exact: what `decode` gives equals what `encode` got, dates, big integers and bytes included.
 */
export interface Codec {
  /** 1..255. */
  readonly id: number;
  readonly name: string;
  /**
   * The bytes, or a text that is stored as UTF-8. They are copied before the next call.
   * @throws VALIDATION_FAILED for a value that it cannot hold
   */
  encode(write: StoredWrite): Uint8Array | string;
  /** The bytes are only valid during the call. */
  decode(bytes: Uint8Array): StoredWrite;
}

/** The codecs that a queue can read, by id. */
export class Codecs {
  readonly #byId = new Map<number, Codec>();

  constructor(codecs: readonly Codec[]) {
    for (const codec of codecs) this.#byId.set(codec.id, codec);
  }

  get(id: number): Codec | undefined {
    return this.#byId.get(id);
  }

  /** @throws TypeError where its codec is not there; whatever the codec throws for bytes that are not its own */
  decode({ codec: id, payload }: Entry): StoredWrite {
    const codec = this.#byId.get(id);
    if (codec === undefined) throw missingCodec(id, 1);
    return codec.decode(payload);
  }

  named(name: string): Codec | undefined {
    return [...this.#byId.values()].find((codec) => codec.name === name);
  }
}

/** For entries that nobody here can read. */
export function missingCodec(id: number, count: number): TypeError {
  const name = KNOWN[id] ?? `with the id ${id}, which is none of this package's`;
  return new TypeError(`codecs: expected the codec ${name}, which ${count} or more entries are written with, got none`);
}

const KNOWN: { readonly [id: number]: string } = {
  1: "json",
  2: "messagepack (@db/queue/messagepack)",
  3: "cbor (@db/queue/cbor)",
  4: "v8 (@db/queue/v8)",
};
