import { checkDuration, checkInteger, checkKeys, describe, expected, isPlainObject, type Scope } from "@db/core";
import { type Authentication, checkAuthentication } from "./authentication.ts";
import { type PoolTuning, readPoolTuning } from "./pool-options.ts";
import { readTls, type TlsOptions } from "./tls.ts";

/** The embedded engines. `mem` keeps nothing; the others write to the path. */
export type Engine = "mem" | "surrealkv" | "rocksdb";

export interface SurrealOptions extends Pick<Scope, "namespace" | "database"> {
  /**
   * Where the database is. A server: `wss://host`, `ws://host:8000`, `https://…` or `http://…`; `/rpc` is added where it is
   * missing. An engine in this process: `rocksdb://path` (loses no acknowledged update under contention: the one for
   * production), `surrealkv://path` or `mem://`; a path may be relative and hold any character but `?`, after which come
   * the engine's own settings (`?sync=every`), and missing folders are made. No credentials in the url.
   */
  readonly url: string;
  /** Default: the name of the engine, or `surrealdb` for a server. Shown in logs and metrics. */
  readonly name?: string;
  /**
   * How long the ledger knows an applied operation, in milliseconds, 1,000..31,536,000,000 (a year). Default 604,800,000 (seven
   * days): longer than a queue may keep a write of unknown outcome. Older rows are deleted in the background.
   */
  readonly ledgerRetentionMs?: number;

  // For a server only

  /**
   * Replicas of the server to read from, each with the same credentials, options and pool as `url`. Reads outside of
   * transactions go to the healthy ones in turn, and to `url` when there is none; a replica that is lost in the middle of a
   * read loses no read. Replicas lag: what was just written may not be there yet. Default none.
   */
  readonly readUrls?: readonly string[];
  /**
   * Who to be: a user with password, an access method, a token, or a function that resolves to one of them, asked at the
   * first connect and whenever the token is about to expire or was refused; one that throws is asked again later. Default
   * none: an anonymous session.
   */
  readonly authentication?: Authentication;
  /** For `wss` and `https`: certificates and names as in `node:tls`. Default: the process's own trust. */
  readonly tls?: TlsOptions;
  /** How many connections, and for how long. */
  readonly pool?: PoolTuning;
  /**
   * From dialling to a session that is signed in, in milliseconds, 1..2147483647. Default 5,000: a handshake, a version and a
   * sign-in, which costs the server up to 130 ms.
   */
  readonly connectTimeoutMs?: number;
  /**
   * How long a socket may be silent before it is pinged. Default 5,000. With `heartbeatTimeoutMs` the longest time in which a
   * half-open socket goes unnoticed.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * How long a ping may go without a sign of life before the socket is given up. Default 5,000. Where a large request is
   * still being sent, as much longer as that takes at 256 bytes a millisecond.
   */
  readonly heartbeatTimeoutMs?: number;
  /**
   * How long a statement whose caller has gone may go on before its connection is given up, which makes a server end it.
   * Default 30,000. Until then it counts as one in flight, so callers who leave cannot pile up work on the server.
   */
  readonly abandonAfterMs?: number;
  /** The longest message, in bytes, 1,024..2147483647, either way. Default 134,217,728 (128 MiB): what a server takes. */
  readonly maxMessageBytes?: number;
  /**
   * How long an outage may last before calls fail at once. Default 30,000; `Infinity` allowed. One that begins within a second
   * of the end of another goes on with it.
   */
  readonly unavailableAfterMs?: number;
  /** The versions of the server to talk to, as a semver range. Default `>=2.1.0 <4.0.0`. */
  readonly serverVersions?: string;
}

interface Common
  extends Required<Pick<SurrealOptions, "url" | "namespace" | "database" | "name" | "ledgerRetentionMs">> {}

export interface EmbeddedOptions extends Common {
  readonly kind: "embedded";
  readonly engine: Engine;
  /** What stands after `://`, without the settings. */
  readonly path: string;
}

export interface RemoteOptions
  extends Common,
    Required<
      Pick<
        SurrealOptions,
        | "connectTimeoutMs"
        | "heartbeatIntervalMs"
        | "heartbeatTimeoutMs"
        | "abandonAfterMs"
        | "maxMessageBytes"
        | "unavailableAfterMs"
        | "serverVersions"
      >
    > {
  readonly kind: "remote";
  readonly transport: "websocket" | "http";
  readonly readUrls: readonly string[];
  readonly authentication: Authentication;
  readonly tls: TlsOptions | undefined;
  readonly pool: PoolTuning;
}

export type CheckedOptions = EmbeddedOptions | RemoteOptions;

const EVERYWHERE = ["url", "namespace", "database", "name", "ledgerRetentionMs"];
const REMOTE = [
  "readUrls",
  "authentication",
  "tls",
  "pool",
  "connectTimeoutMs",
  "heartbeatIntervalMs",
  "heartbeatTimeoutMs",
  "abandonAfterMs",
  "maxMessageBytes",
  "unavailableAfterMs",
  "serverVersions",
];
const URLS = "ws(s)://host, http(s)://host, rocksdb://path, surrealkv://path or mem://";

/** @throws TypeError naming what was expected and what came */
export function checkOptions(options: SurrealOptions): CheckedOptions {
  if (!isPlainObject(options)) throw expected("surreal", "an object of options", options);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  checkKeys("surreal", given, [...EVERYWHERE, ...REMOTE]);
  const { url, namespace, database, name } = options;
  for (const [option, value] of Object.entries({ namespace, database, name: name ?? "surrealdb" })) {
    if (typeof value !== "string" || value === "")
      throw new TypeError(`surreal: ${option}: expected a non-empty text, got ${shown(value)}`);
  }
  if (typeof url === "string" && /^(?:ws|http)s?:/i.test(url)) return checkRemote(options, url);
  const embedded = readEmbeddedUrl(url);
  const odd = REMOTE.find((option) => option in given);
  if (odd !== undefined) throw new TypeError(`surreal: ${odd}: expected only with a server's url, got ${shown(url)}`);
  const ledgerRetentionMs = readRetention(options);
  return { kind: "embedded", url, namespace, database, name: name ?? embedded.engine, ledgerRetentionMs, ...embedded };
}

function readEmbeddedUrl(url: unknown): { readonly engine: Engine; readonly path: string } {
  const parts = typeof url === "string" ? /^(mem|surrealkv|rocksdb):\/\/([^?]*)(\?.*)?$/s.exec(url) : null;
  const [, engine, path = ""] = parts ?? [];
  if (engine === undefined || (engine !== "mem" && path === ""))
    throw new TypeError(`surreal: url: expected ${URLS}, got ${shown(url)}`);
  return { engine: engine as Engine, path };
}

function checkRemote(options: SurrealOptions, given: string): RemoteOptions {
  const url = readServerUrl(given);
  const { namespace, database, name = "surrealdb", authentication = null, unavailableAfterMs = 30_000 } = options;
  const duration = (option: "connectTimeoutMs" | "heartbeatIntervalMs" | "heartbeatTimeoutMs" | "abandonAfterMs") =>
    checkDuration(`surreal: ${option}`, options[option] ?? (option === "abandonAfterMs" ? 30_000 : 5_000));
  if (unavailableAfterMs !== Number.POSITIVE_INFINITY) checkDuration("surreal: unavailableAfterMs", unavailableAfterMs);
  return {
    kind: "remote",
    transport: url.protocol.startsWith("ws") ? "websocket" : "http",
    url: url.href,
    readUrls: readReplicas(options.readUrls ?? [], url),
    namespace,
    database,
    name,
    authentication: checkAuthentication(authentication),
    tls: readTls(options.tls, url),
    pool: readPoolTuning(url, options.pool),
    connectTimeoutMs: duration("connectTimeoutMs"),
    heartbeatIntervalMs: duration("heartbeatIntervalMs"),
    heartbeatTimeoutMs: duration("heartbeatTimeoutMs"),
    abandonAfterMs: duration("abandonAfterMs"),
    maxMessageBytes: checkInteger(
      "surreal: maxMessageBytes",
      options.maxMessageBytes ?? 134_217_728,
      1_024,
      2_147_483_647,
    ),
    unavailableAfterMs,
    ledgerRetentionMs: readRetention(options),
    serverVersions: options.serverVersions ?? ">=2.1.0 <4.0.0",
  };
}

function readRetention({ ledgerRetentionMs = 604_800_000 }: SurrealOptions): number {
  return checkInteger("surreal: ledgerRetentionMs", ledgerRetentionMs, 1_000, 31_536_000_000);
}

/** All by one transport: what a statement can do must not depend on where it goes. */
function readReplicas(given: unknown, primary: URL): readonly string[] {
  if (!Array.isArray(given)) throw expected("surreal: readUrls", "an array of urls", given);
  return given.map((one: unknown) => {
    if (typeof one !== "string") throw expected("surreal: readUrls", "an array of urls", one);
    const url = readServerUrl(one, "readUrls");
    if (url.protocol !== primary.protocol)
      throw new TypeError(`surreal: readUrls: expected the scheme of url (${primary.protocol}), got ${url.protocol}`);
    return url.href;
  });
}

function readServerUrl(given: string, option = "url"): URL {
  const wrong = `surreal: ${option}: expected`;
  if (!/^(?:ws|http)s?:/i.test(given) || !URL.canParse(given))
    throw new TypeError(`${wrong} ${URLS}, got ${shown(given)}`);
  const url = new URL(given);
  if (url.username !== "" || url.password !== "")
    throw new TypeError(`${wrong} no credentials in it (use authentication), got a url with credentials`);
  if (url.hash !== "") throw new TypeError(`${wrong} no fragment, got a url with #`);
  if (!url.pathname.endsWith("/rpc")) url.pathname = `${url.pathname.replace(/\/$/, "")}/rpc`;
  return url;
}

/** A url may hold a password: of one that is not understood only the scheme is shown. */
function shown(value: unknown): string {
  if (typeof value !== "string") return describe(value);
  const scheme = /^[a-z+]+(?=:)/i.exec(value)?.[0];
  return scheme === undefined ? "a text without a scheme" : `a url of scheme "${scheme}"`;
}
