import { DatabaseErrorOf } from "@db/core";

/**
 * The last segment of a URL's path. Decoded here and strictly: the router leaves percent-encoding that is no UTF-8 as it
 * stands, and so makes another id of it.
 * @throws INVALID_RECORD_ID
 */
export function idIn(url: string): string {
  const [path = ""] = url.split(/[?#]/, 1);
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
  } catch {
    const expected = "percent-encoded UTF-8";
    throw new DatabaseErrorOf("INVALID_RECORD_ID", `expected an id in ${expected}`, { expected });
  }
}
