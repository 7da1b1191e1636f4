import type { Codec } from "./codec.ts";
import { MARK, mark, unmark } from "./marks.ts";
import { isPlainJson } from "./plain.ts";
import type { StoredWrite } from "./stored-write.ts";

const MARK_IN_TEXT = `"${MARK}`;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * JSON, readable with any tool. What JSON does not have is marked (`{"$date":…}`, `{"$bigint":…}`, `{"$bytes":…}`); writes without any
 * such value, which are most, are what `JSON.stringify` makes of them.
 */
export const json: Codec = {
  id: 1,
  name: "json",
  encode: (write) => JSON.stringify(isPlainJson(write) ? write : mark(write, { bytes: false, bigint: false })),
  decode: (bytes) => {
    const text = utf8.decode(bytes);
    const found: unknown = JSON.parse(text);
    return (text.includes(MARK_IN_TEXT) ? unmark(found) : found) as StoredWrite;
  },
};
