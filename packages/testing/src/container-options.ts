import { checkDuration, checkInteger, checkKeys, expected } from "@db/core";
import type { SurrealEngine } from "./surreal-options.ts";

/** What `startSurrealContainer` takes. */
export interface StartSurrealContainerOptions {
  /**
   * Default: the environment's `SURREAL_IMAGE`, else `OFFICIAL_IMAGE`. It must take the arguments of `surreal start`
   * and serve on port 8000.
   */
  readonly image?: string;
  /** Default `mem`. The others write inside the container: the data live as long as it does, through kill and restart. */
  readonly engine?: SurrealEngine;
  /** On this machine, in 0..65535. Default 0: a free one, which stays its own through restarts. */
  readonly port?: number;
  /** The user on root level, with the role OWNER. Default `root`. */
  readonly user?: string;
  /** Default `root`. */
  readonly password?: string;
  /** Gives up the start; later it has no effect. */
  readonly signal?: AbortSignal;
  /** For the start and for each restart. Default 60,000: the image may have to be fetched. */
  readonly startTimeoutMs?: number;
}

/** What the process in the container is started with. */
export interface ContainerSettings {
  readonly image: string;
  readonly port: number;
  readonly engine: SurrealEngine;
  readonly arguments: readonly string[];
  readonly startTimeoutMs: number;
}

/** The server of the newest SurrealDB that the packages are tested with. */
export const OFFICIAL_IMAGE = "surrealdb/surrealdb:v3.0.2";

/** The port of the server inside of the container. */
export const INNER_PORT = 8_000;

/** Where the data are inside of the container. */
export const INNER_PATH = "/data/surreal";

const OPTIONS = ["image", "engine", "port", "user", "password", "signal", "startTimeoutMs"];
const PATHS: Readonly<Record<SurrealEngine, string>> = {
  mem: "memory",
  surrealkv: `surrealkv:${INNER_PATH}`,
  rocksdb: `rocksdb:${INNER_PATH}`,
};

/** @throws TypeError naming what was expected and what came */
export function checkContainer(options: StartSurrealContainerOptions, env: NodeJS.ProcessEnv): ContainerSettings {
  checkKeys("startSurrealContainer", options, OPTIONS);
  const { engine = "mem", port = 0, user = "root", password = "root" } = options;
  const image = options.image ?? (env.SURREAL_IMAGE || OFFICIAL_IMAGE);
  if (!Object.hasOwn(PATHS, engine)) {
    throw expected("startSurrealContainer: engine", "mem, surrealkv or rocksdb", engine);
  }
  for (const [name, value] of Object.entries({ image, user, password })) {
    if (typeof value !== "string" || value === "") {
      throw expected(`startSurrealContainer: ${name}`, "a non-empty text", value);
    }
  }
  checkInteger("startSurrealContainer: port", port, 0, 65_535);
  const startTimeoutMs = checkDuration("startSurrealContainer: startTimeoutMs", options.startTimeoutMs ?? 60_000);
  const bind = `0.0.0.0:${INNER_PORT}`;
  const start = ["start", "--bind", bind, "--user", user, "--pass", password, PATHS[engine]];
  return { image, port, engine, arguments: start, startTimeoutMs };
}
