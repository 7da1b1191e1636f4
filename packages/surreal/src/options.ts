import { checkKeys, describe, type Scope } from "@db/core";

/** The embedded engines. `mem` keeps nothing; the others write to the path. */
export type Engine = "mem" | "surrealkv" | "rocksdb";

export interface SurrealOptions extends Scope {
  /**
   * Where the data lies: `rocksdb://path` (loses no acknowledged update under contention: the one for production),
   * `surrealkv://path` or `mem://`. A path may be relative and hold any character but `?`, after which come the
   * engine's own settings (`?sync=every`). Missing folders are made.
   */
  readonly url: string;
  /** Default: the name of the engine. Shown in logs and metrics. */
  readonly name?: string;
}

export interface CheckedOptions extends Required<SurrealOptions> {
  readonly engine: Engine;
  /** What stands after `://`, without the settings. */
  readonly path: string;
}

/** @throws TypeError naming what was expected and what came */
export function checkOptions(options: SurrealOptions): CheckedOptions {
  checkKeys("surreal", options, ["url", "namespace", "database", "name"]);
  const { url, namespace, database } = options;
  const parts = typeof url === "string" ? /^(mem|surrealkv|rocksdb):\/\/([^?]*)(\?.*)?$/s.exec(url) : null;
  const [, engine, path = ""] = parts ?? [];
  if (engine === undefined || (engine !== "mem" && path === "")) {
    throw new TypeError(`surreal: url: expected rocksdb://path, surrealkv://path or mem://, got ${shown(url)}`);
  }
  for (const [name, value] of Object.entries({ namespace, database })) {
    if (typeof value !== "string" || value === "")
      throw new TypeError(`surreal: ${name}: expected a non-empty text, got ${shown(value)}`);
  }
  return { url, namespace, database, name: options.name ?? engine, engine: engine as Engine, path };
}

/** A url may hold a password: of one that is not understood only the scheme is shown. */
function shown(value: unknown): string {
  if (typeof value !== "string") return describe(value);
  const scheme = /^[a-z+]+(?=:)/i.exec(value)?.[0];
  return scheme === undefined ? "a text without a scheme" : `a url of scheme "${scheme}"`;
}
