import { randomUUID } from "node:crypto";

/** The CBOR head of a UUID: tag 37, a text of 16 bytes. */
const UUID_HEAD: Buffer = Buffer.from([0xd8, 0x25, 0x50]);

/** A UUID in the three forms in which the protocol needs it. */
export class SessionId {
  readonly bytes: Buffer;
  /** 32 hex digits. */
  readonly key: string;
  /** The CBOR pair `session: <this UUID>` of a request. */
  readonly pair: Buffer;

  constructor(key: string = randomUUID().replaceAll("-", "")) {
    this.key = key;
    this.bytes = Buffer.from(key, "hex");
    this.pair = Buffer.concat([Buffer.from("gsession"), UUID_HEAD, this.bytes]);
  }
}

/** 32 hex digits as people write a UUID. */
export function formatUuid(key: string): string {
  return key.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
