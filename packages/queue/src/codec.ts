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

  named(name: string): Codec | undefined {
    return [...this.#byId.values()].find((codec) => codec.name === name);
  }
}
