import { checkDuration, checkInteger, checkKeys, expected } from "@db/core";
import { checkFaults, type SurrealFaults } from "./surreal-faults.ts";

/** The engines. `mem` keeps nothing; `surrealkv` and `rocksdb` write to a path. */
export type SurrealEngine = "mem" | "surrealkv" | "rocksdb";

/** What `startSurreal` takes. */
export interface StartSurrealOptions {
  /** Default `mem`. Under contention `mem` and `surrealkv` lose acknowledged updates (engine 3.0.2), `rocksdb` loses none. */
  readonly engine?: SurrealEngine;
  /** The folder of the data, for `surrealkv` and `rocksdb`. Default: one that is made, and removed by `close`. */
  readonly path?: string | undefined;
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
  /** Default 30,000: it takes less than a second, on a machine that is busy many. */
  readonly startTimeoutMs?: number;
}

/** The options of a server in this process: `path` is needed for `surrealkv` and `rocksdb`. */
export interface ServeSurrealOptions extends Omit<StartSurrealOptions, "signal" | "startTimeoutMs"> {
  /** Default 127.0.0.1. Any other lets the network reach a test server: for the inside of a container alone. */
  readonly host?: string;
}

/** The same with all defaults. */
export interface CheckedOptions {
  readonly engine: SurrealEngine;
  readonly path: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly faults: Partial<SurrealFaults>;
}

const SERVE_OPTIONS = ["engine", "path", "port", "user", "password", "faults"];
const ENGINES: readonly unknown[] = ["mem", "surrealkv", "rocksdb"] satisfies SurrealEngine[];

/** @throws TypeError naming what was expected and what came */
export function checkStart(options: StartSurrealOptions): CheckedOptions & { readonly startTimeoutMs: number } {
  checkKeys("startSurreal", options, [...SERVE_OPTIONS, "signal", "startTimeoutMs"]);
  const startTimeoutMs = checkDuration("startSurreal: startTimeoutMs", options.startTimeoutMs ?? 30_000);
  return { ...check("startSurreal", options), startTimeoutMs };
}

/** @throws TypeError naming what was expected and what came */
export function checkServe(options: ServeSurrealOptions): CheckedOptions {
  checkKeys("serveSurreal", options, [...SERVE_OPTIONS, "host"]);
  const checked = check("serveSurreal", options);
  if (checked.engine !== "mem" && checked.path === undefined)
    throw expected("serveSurreal: path", `a folder for the engine ${checked.engine}`, undefined);
  return checked;
}

function check(subject: string, options: ServeSurrealOptions): CheckedOptions {
  const { engine = "mem", path, host = "127.0.0.1", port = 0, user = "root", password = "root", faults = {} } = options;
  if (!ENGINES.includes(engine)) throw expected(`${subject}: engine`, "mem, surrealkv or rocksdb", engine);
  if (path !== undefined && engine === "mem") throw expected(`${subject}: path`, "no path with the engine mem", path);
  for (const [name, value] of Object.entries({ host, user, password, ...(path !== undefined && { path }) }))
    if (typeof value !== "string" || value === "") throw expected(`${subject}: ${name}`, "a non-empty text", value);
  checkInteger(`${subject}: port`, port, 0, 65_535);
  return { engine, path, host, port, user, password, faults: checkFaults(faults) };
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
