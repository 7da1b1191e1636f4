import { checkDuration, checkInteger, checkKeys, expected } from "@db/core";
import { checkFaults, type SurrealFaults } from "./surreal-faults.ts";

/** The engines. `mem` keeps nothing; `surrealkv` and `rocksdb` write to a path. */
export type SurrealEngine = "mem" | "surrealkv" | "rocksdb";

export interface StartSurrealOptions {
  /** Default `mem`. Under contention `mem` and `surrealkv` lose acknowledged updates (engine 3.0.2), `rocksdb` loses none. */
  readonly engine?: SurrealEngine;
  /** The folder of the data, for `surrealkv` and `rocksdb`. Default: one that is made, and removed by `close`. */
  readonly path?: string;
  /** On 127.0.0.1, in 0..65535. Default 0: a free one, which stays its own through restarts. */
  readonly port?: number;
  /** The user on root level, with the role OWNER. Default `root`. */
  readonly user?: string;
  /** Default `root`. Replaces the password that the user has in the data. */
  readonly password?: string;
  /** Faults that are on from the first dial. Default: none. */
  readonly faults?: Partial<SurrealFaults>;
  /** Gives up the start; later it has no effect. */
  readonly signal?: AbortSignal;
  /** Default 15,000. */
  readonly startTimeoutMs?: number;
}

/** What the process that serves must know. */
export interface ServeSurrealOptions {
  readonly engine: SurrealEngine;
  readonly path: string | undefined;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly faults: Partial<SurrealFaults>;
}

const OPTIONS = ["engine", "path", "port", "user", "password", "faults", "signal", "startTimeoutMs"];
const ENGINES: readonly unknown[] = ["mem", "surrealkv", "rocksdb"] satisfies SurrealEngine[];

/** @throws TypeError naming what was expected and what came */
export function checkStart(options: StartSurrealOptions): ServeSurrealOptions & { readonly startTimeoutMs: number } {
  checkKeys("startSurreal", options, OPTIONS);
  const { engine = "mem", path, port = 0, user = "root", password = "root", faults = {} } = options;
  if (!ENGINES.includes(engine)) throw expected("startSurreal: engine", "mem, surrealkv or rocksdb", engine);
  if (path !== undefined && engine === "mem") throw expected("startSurreal: path", "no path with the engine mem", path);
  for (const [name, value] of Object.entries({ user, password, ...(path !== undefined && { path }) }))
    if (typeof value !== "string" || value === "") throw expected(`startSurreal: ${name}`, "a non-empty text", value);
  checkInteger("startSurreal: port", port, 0, 65_535);
  const startTimeoutMs = checkDuration("startSurreal: startTimeoutMs", options.startTimeoutMs ?? 15_000);
  return { engine, path, port, user, password, faults: checkFaults(faults), startTimeoutMs };
}

/** What a server holds and has counted since it started. */
export interface SurrealStats {
  /** WebSockets whose belongings are not all given back yet. */
  readonly sockets: number;
  /** One a socket, and those that clients attached. */
  readonly sessions: number;
  readonly transactions: number;
  readonly live: number;
  /** Requests over WebSocket and HTTP. */
  readonly requests: number;
  /** WebSockets that asked for a handshake, refused ones among them. */
  readonly dials: number;
}
