import type { Driver } from "@db/core";
import { embedded } from "./embedded.ts";
import { checkOptions, type SurrealOptions } from "./options.ts";
import { remote } from "./remote.ts";

/**
 * A driver for SurrealDB: a server over WebSocket or HTTP, or an engine in this process. The scheme of the url says which.
 * @throws TypeError for an option that is unknown or wrong
 */
export function surreal(options: SurrealOptions): Driver {
  const checked = checkOptions(options);
  return checked.kind === "embedded" ? embedded(checked) : remote(checked);
}
