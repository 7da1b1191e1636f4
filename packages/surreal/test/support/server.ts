import type { Driver } from "@db/core";
import { type SurrealOptions, surreal } from "@db/surreal";

export const ROOT = { username: "root", password: "root" };

let databases = 0;

/** A driver over a database of its own. */
export function remoteDriver(url: string, options: Partial<SurrealOptions> = {}): Driver {
  databases += 1;
  return surreal({ url, namespace: "test", database: `db${databases}`, authentication: ROOT, ...options });
}
