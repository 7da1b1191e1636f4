import { Packr } from "msgpackr";
import type { Codec } from "./codec.ts";
import { mark, unmark } from "./marks.ts";
import type { StoredWrite } from "./stored-write.ts";

/** Without shared structures: each entry stands for itself. Maps, because an object would change a field named `__proto__`. */
const packr = new Packr({ useRecords: false, mapsAsObjects: false, copyBuffers: true });

/** MessagePack, by the package `msgpackr`: the smallest. What it does not have is marked as in `json`. */
export const messagepack: Codec = {
  id: 2,
  name: "messagepack",
  encode: (write) => packr.pack(mark(write, { bytes: true, bigint: true })),
  decode: (bytes) => unmark(packr.unpack(bytes)) as StoredWrite,
};
