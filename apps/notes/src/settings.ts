import { resolve } from "node:path";
import { LEVELS, type Level } from "./logger.ts";

/** How often a setting is needed: the order in which `--help` and the README show them. */
export type Group = "Essentials" | "Frequently used" | "Rarely used";

/** One environment variable. */
export interface Setting<T> {
  readonly variable: string;
  readonly group: Group;
  /** As it would be written in the environment. */
  readonly fallback: string;
  readonly meaning: string;
  /** What a value has to be, as a sentence part. */
  readonly expected: string;
  /** The value; undefined where the text is none. */
  readonly parse: (text: string) => T | undefined;
}

export interface Settings {
  readonly port: Setting<number>;
  readonly host: Setting<string>;
  readonly dataDir: Setting<string>;
  readonly url: Setting<string>;
  readonly logLevel: Setting<Level>;
  readonly namespace: Setting<string>;
  readonly database: Setting<string>;
  readonly operationTimeoutMs: Setting<number>;
  readonly startupMaxWaitMs: Setting<number>;
  readonly shutdownTimeoutMs: Setting<number>;
  readonly drainDelayMs: Setting<number>;
  readonly bodyLimitBytes: Setting<number>;
  readonly slowCallMs: Setting<number>;
  readonly username: Setting<string>;
  readonly password: Setting<string>;
  readonly unavailableAfterMs: Setting<number>;
  readonly poolMin: Setting<number>;
  readonly poolMax: Setting<number>;
  readonly queueMaxEntries: Setting<number>;
  readonly metricsLevel: Setting<MetricsLevel>;
  readonly tracesUrl: Setting<string>;
  readonly operatorToken: Setting<string>;
  readonly labUrl: Setting<string>;
}

const METRICS_LEVELS = ["basic", "detailed", "all"] as const;
type MetricsLevel = (typeof METRICS_LEVELS)[number];

export const settings: Settings = {
  port: {
    variable: "PORT",
    group: "Essentials",
    fallback: "8080",
    meaning: "The port to listen on; 0 takes any that is free.",
    ...whole(0, 65_535),
  },
  dataDir: {
    variable: "DATA_DIR",
    group: "Essentials",
    fallback: "./data",
    meaning:
      "The folder of the embedded database and of the queue of writes, which a service with a server has as well; made if it is missing. Seen from the folder the service is started in.",
    expected: "a path without a question mark, not blank",
    // The engine's URL ends at one.
    parse: (text) => (/[?\0]|^\s*$/.test(text) ? undefined : resolve(text)),
  },
  host: {
    variable: "HOST",
    group: "Frequently used",
    fallback: "127.0.0.1",
    meaning: "The address to listen on. The service has no log-in: think before you open it to others.",
    expected: "an address or a host's name",
    parse: (text) => (/^[\w.:%-]+$/.test(text) ? text : undefined),
  },
  logLevel: {
    variable: "LOG_LEVEL",
    group: "Frequently used",
    fallback: "info",
    meaning: "The least that is logged, as JSON lines on stderr. `debug` tells of every call of the database.",
    expected: `one of ${LEVELS.join(", ")}`,
    parse: (text) => LEVELS.find((level) => level === text),
  },
  url: {
    variable: "SURREAL_URL",
    group: "Frequently used",
    fallback: "rocksdb://<DATA_DIR>/notes",
    meaning:
      "The database: a server at ws(s)://host or http(s)://host, or an engine in this process: rocksdb://path, surrealkv://path, or mem:// which keeps nothing.",
    expected: "a URL of ws, wss, http, https, rocksdb, surrealkv or mem, without credentials",
    parse: (text) => {
      const isServer = /^(?:ws|http)s?:\/\/[^@#]+$/.test(text) && URL.canParse(text);
      return isServer || /^(?:rocksdb|surrealkv):\/\/[^?]+|^mem:\/\//.test(text) ? text : undefined;
    },
  },
  operationTimeoutMs: {
    variable: "DB_OPERATION_TIMEOUT",
    group: "Rarely used",
    fallback: "30",
    meaning: "Seconds that a request's call of the database may take, waits included.",
    ...seconds(0.1, 3_600),
  },
  startupMaxWaitMs: {
    variable: "STARTUP_MAX_WAIT",
    group: "Rarely used",
    fallback: "600",
    meaning: "Seconds to wait for the database at the start. Meanwhile /readyz says 503.",
    ...seconds(1, 86_400),
  },
  drainDelayMs: {
    variable: "DRAIN_DELAY",
    group: "Rarely used",
    fallback: "0.2",
    meaning:
      "Seconds between the signal to end, when /readyz turns to 503 and each answer closes its connection, and the end of listening.",
    ...seconds(0, 600),
  },
  shutdownTimeoutMs: {
    variable: "SHUTDOWN_TIMEOUT",
    group: "Rarely used",
    fallback: "10",
    meaning: "Seconds that requests under way get to end at the shutdown.",
    ...seconds(0.1, 3_600),
  },
  bodyLimitBytes: {
    variable: "BODY_LIMIT",
    group: "Rarely used",
    fallback: "786432",
    meaning:
      "Bytes that a request's body may have, ten times as many where it makes many notes. The longest note of emoji needs less than half of the default.",
    ...whole(1_024, 104_857_600),
  },
  username: {
    variable: "SURREAL_USER",
    group: "Frequently used",
    fallback: "",
    meaning: "Who to be at a server; nobody if it is empty.",
    expected: "a name",
    parse: (text) => text,
  },
  password: {
    variable: "SURREAL_PASS",
    group: "Frequently used",
    fallback: "",
    meaning: "The user's password. Never shown.",
    expected: "a password",
    parse: (text) => text,
  },
  operatorToken: {
    variable: "OPS_TOKEN",
    group: "Frequently used",
    fallback: "",
    meaning:
      "What an operator has to know to change anything from the page /ops; without one it only shows. Never shown.",
    expected: "16..256 printable characters",
    parse: (text) => (/^[!-~]{16,256}$|^$/.test(text) ? text : undefined),
  },
  unavailableAfterMs: {
    variable: "DB_UNAVAILABLE_TIMEOUT",
    group: "Rarely used",
    fallback: "30",
    meaning:
      "Seconds that an outage of a server may last before requests are refused at once with 503. Until then writes are queued.",
    ...seconds(0.1, 86_400),
  },
  poolMin: {
    variable: "DB_POOL_MIN",
    group: "Rarely used",
    fallback: "1",
    meaning: "Statements' worth of connections to a server that are kept open.",
    ...whole(0, 1_000),
  },
  poolMax: {
    variable: "DB_POOL_MAX",
    group: "Rarely used",
    fallback: "64",
    meaning: "Statements in flight at a server at most; up to 16 of them share a connection, all connections as many.",
    ...whole(1, 1_000),
  },
  queueMaxEntries: {
    variable: "QUEUE_MAX_ENTRIES",
    group: "Rarely used",
    fallback: "1000000",
    meaning: "Writes that may wait at the same time; one more is refused with 503.",
    ...whole(1, 100_000_000),
  },
  metricsLevel: {
    variable: "METRICS_LEVEL",
    group: "Rarely used",
    fallback: "basic",
    meaning: "How much /metrics tells: basic, detailed (with collections) or all.",
    expected: `one of ${METRICS_LEVELS.join(", ")}`,
    parse: (text) => METRICS_LEVELS.find((level) => level === text),
  },
  tracesUrl: {
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
    group: "Rarely used",
    fallback: "",
    meaning:
      "The collector that spans are sent to (OTLP over HTTP, at /v1/traces); nobody if it is empty. Needs METRICS_LEVEL detailed or all.",
    expected: "a URL of http or https, without credentials",
    parse: (text) => (/^https?:\/\/[^@\s]+$|^$/.test(text) && (text === "" || URL.canParse(text)) ? text : undefined),
  },
  labUrl: {
    variable: "LAB_URL",
    group: "Rarely used",
    fallback: "",
    meaning: "Where the fault lab is that has started this service. Set by the lab alone.",
    expected: "a URL of this machine",
    parse: (text) => (/^http:\/\/127\.0\.0\.1:\d{1,5}\/[0-9a-f]{32}$|^$/.test(text) ? text : undefined),
  },
  slowCallMs: {
    variable: "SLOW_CALL",
    group: "Rarely used",
    fallback: "0.25",
    meaning: "Seconds from which on a call of the database is listed as slow on the operator page.",
    ...seconds(0.001, 3_600),
  },
  namespace: {
    variable: "SURREAL_NAMESPACE",
    group: "Rarely used",
    fallback: "notes",
    meaning: "The namespace in the database.",
    ...name(),
  },
  database: {
    variable: "SURREAL_DATABASE",
    group: "Rarely used",
    fallback: "notes",
    meaning: "The database in the namespace.",
    ...name(),
  },
};

type Rule<T> = Pick<Setting<T>, "expected" | "parse">;

function whole(min: number, max: number): Rule<number> {
  const parse = (text: string): number | undefined => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  return { expected: `a whole number in ${min}..${max}`, parse };
}

/** Seconds in the environment, milliseconds in the program. */
function seconds(min: number, max: number): Rule<number> {
  const parse = (text: string): number | undefined => {
    const value = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? Math.round(value * 1_000) : undefined;
  };
  return { expected: `a number of seconds in ${min}..${max}`, parse };
}

function name(): Rule<string> {
  return {
    expected: "1..64 letters, digits, _ or -",
    parse: (text) => (/^[\w-]{1,64}$/.test(text) ? text : undefined),
  };
}
