import { Encoder } from "cbor-x";
import type { Codec } from "./codec.ts";
import { mark, unmark } from "./marks.ts";
import type { StoredWrite } from "./stored-write.ts";

/** Maps, because an object would change a field named `__proto__`. */
const encoder = new Encoder({ useRecords: false, mapsAsObjects: false, tagUint8Array: false, copyBuffers: true });

/** CBOR (RFC 8949), by the package `cbor-x`. Dates and negative zero are marked as in `json`. */
export const cbor: Codec = {
  id: 3,
  name: "cbor",
  encode: (write) => encoder.encode(mark(write, { bytes: true, bigint: true })),
  decode: (bytes) => unmark(encoder.decode(bytes)) as StoredWrite,
};
