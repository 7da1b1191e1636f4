import { deserialize, serialize } from "node:v8";
import { checkValue, invalid } from "@db/core";
import type { Codec } from "./codec.ts";
import { isPlainJson } from "./plain.ts";
import type { StoredWrite } from "./stored-write.ts";

/** The runtime's own binary format, in the place of Rust's bincode. Only Node reads it; nothing to install. */
export const v8: Codec = {
  id: 4,
  name: "v8",
  encode: (write) => {
    // An object of a class would be stored without it, and be another value.
    if (!isPlainJson(write)) checkValue(write, []);
    try {
      return serialize(write);
    } catch (error) {
      throw invalid([], "type", `made of portable values (${error instanceof Error ? error.name : typeof error})`);
    }
  },
  decode: (bytes) => deserialize(bytes) as StoredWrite,
};
