import { checkDuration, checkInteger, checkKeys, expected } from "@db/core";
import type { Codec } from "./codec.ts";
import { json } from "./json.ts";
import type { QueueStore } from "./store.ts";

/** What an acknowledged entry survives. `fsync`: a power cut. `os`: a crash of the process. `memory`: nothing. */
export type Durability = "fsync" | "os" | "memory";

/** Read once, at `open`. Durations are milliseconds, more than 0 and at most 2,147,483,647. */
export interface WriteQueueOptions {
  // Essentials

  /**
   * The file. Its folder is made if it is missing; beside it stand `-wal`, `-shm` and `-lock`. Required unless `durability` is
   * `memory` or there is a `store`. On a volume that stays: what is acknowledged is there and nowhere else.
   */
  readonly path?: string;
  /** Names the queue in errors and telemetry. Default "queue". */
  readonly name?: string;
  /**
   * What an acknowledged entry survives. `fsync` (default): a power cut. `os`: a crash of the process, not of the machine.
   * `memory`: nothing; for tests.
   */
  readonly durability?: Durability;

  // Frequently used

  /** Entries that are held at most, dead letters included: 1..100,000,000. Default 1,000,000. */
  readonly maxEntries?: number;
  /** Bytes of entries that are held at most. Default 1,073,741,824 (1 GiB). */
  readonly maxBytes?: number;
  /** The largest entry, in bytes: more is PAYLOAD_TOO_LARGE. 1,024..67,108,864, default 1,048,576 (1 MiB). */
  readonly maxEntryBytes?: number;
  /** When there is no room: `reject` (default) with QUEUE_FULL, or `wait` for room, in turn, as long as the call's signal allows. */
  readonly overflow?: "reject" | "wait";
  /**
   * Also take writes while the database counts as unavailable, and before the first connection. Default false: past the
   * limit of the driver (`unavailableAfterMs`) callers are told, instead of filling a disk.
   */
  readonly acceptWhileUnavailable?: boolean;
  /** `read` answers with the record as it will be once its waiting writes are applied. Default false. */
  readonly readYourWrites?: boolean;

  // Rarely used

  /** Records that are replayed at the same time: 1..1,000. Default 32. */
  readonly concurrency?: number;
  /** How long one attempt of a replay may take. Default 10,000. */
  readonly attemptTimeoutMs?: number;
  /** Failures of a kind that may pass after which a write becomes a dead letter: 1..1,000. Default 10. An outage never counts. */
  readonly maxAttempts?: number;
  /** The first pause after a failure; doubled each time, with jitter. Default 100. */
  readonly minBackoffMs?: number;
  /** The longest pause after a failure. Default 30,000. */
  readonly maxBackoffMs?: number;
  /**
   * How long the driver's ledger remembers an operation. What may have been applied longer ago becomes a dead letter
   * instead of being applied twice. Default 604,800,000 (7 days), as the drivers'.
   */
  readonly ledgerRetentionMs?: number;
  /** How long `outcome` remembers what was applied (at most the last 32,768 operations). Default 86,400,000 (24 h). */
  readonly outcomeRetentionMs?: number;
  /** How new entries are written. Default `json`. */
  readonly codec?: Codec;
  /** Further codecs, for entries that were written with them. `json` is always there; no two may have one id. */
  readonly codecs?: readonly Codec[];
  /**
   * What to do with a damaged file. `refuse` (default): `open` rejects with STORAGE_DAMAGED and changes nothing. `quarantine`: the
   * file and its companions are moved aside, the queue starts empty, and a warning names the new place. A file of another
   * program or of a later version of this one is refused either way: its writes are whole, and wait for who can read them.
   */
  readonly onCorruption?: "refuse" | "quarantine";
  /** A store of your own, in place of `path`. */
  readonly store?: QueueStore;
}

/** The options with their defaults. */
export type Settings = Required<Omit<WriteQueueOptions, "path" | "store">> & {
  readonly path: string | undefined;
  readonly store: QueueStore | undefined;
};

const DEFAULTS: Omit<Settings, "path" | "store"> = {
  name: "queue",
  durability: "fsync",
  maxEntries: 1_000_000,
  maxBytes: 1_073_741_824,
  maxEntryBytes: 1_048_576,
  overflow: "reject",
  acceptWhileUnavailable: false,
  readYourWrites: false,
  concurrency: 32,
  attemptTimeoutMs: 10_000,
  maxAttempts: 10,
  minBackoffMs: 100,
  maxBackoffMs: 30_000,
  ledgerRetentionMs: 604_800_000,
  outcomeRetentionMs: 86_400_000,
  codec: json,
  codecs: [],
  onCorruption: "refuse",
};

export const OPTION_KEYS: readonly string[] = ["path", "store", ...Object.keys(DEFAULTS)];

/** @throws TypeError for an option that is unknown or wrong */
export function readSettings(options: WriteQueueOptions): Settings {
  if (typeof options !== "object" || options === null)
    throw expected("WriteQueue.open", "an object of options", options);
  checkKeys("WriteQueue.open", options, OPTION_KEYS);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { path: undefined, store: undefined, ...DEFAULTS, ...given } as Settings;
  const { path, store, durability, codec, codecs } = settings;
  checkOneOf("durability", durability, ["fsync", "os", "memory"]);
  if (store !== undefined) {
    for (const method of ["open", "commit", "read", "tidy", "close"] as const)
      if (typeof store?.[method] !== "function") throw expected(`store.${method}`, "a function", store?.[method]);
    if (path !== undefined) throw expected("path", "nothing beside a store", path);
  } else if (durability === "memory") {
    if (path !== undefined) throw expected("path", 'nothing with the durability "memory"', path);
  } else if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw expected("path", "the path of a file", path);
  }
  checkText("name", settings.name);
  checkInteger("maxEntries", settings.maxEntries, 1, 100_000_000);
  checkInteger("maxBytes", settings.maxBytes, 1, Number.MAX_SAFE_INTEGER);
  checkInteger("maxEntryBytes", settings.maxEntryBytes, 1_024, 67_108_864);
  checkOneOf("overflow", settings.overflow, ["reject", "wait"]);
  checkOneOf("onCorruption", settings.onCorruption, ["refuse", "quarantine"]);
  checkBoolean("acceptWhileUnavailable", settings.acceptWhileUnavailable);
  checkBoolean("readYourWrites", settings.readYourWrites);
  checkInteger("concurrency", settings.concurrency, 1, 1_000);
  checkInteger("maxAttempts", settings.maxAttempts, 1, 1_000);
  for (const key of [
    "attemptTimeoutMs",
    "minBackoffMs",
    "maxBackoffMs",
    "ledgerRetentionMs",
    "outcomeRetentionMs",
  ] as const)
    checkDuration(key, settings[key]);
  checkCodec("codec", codec);
  if (!Array.isArray(codecs)) throw expected("codecs", "an array of codecs", codecs);
  for (const [index, each] of codecs.entries()) checkCodec(`codecs[${index}]`, each);
  checkIds([json, ...codecs, codec]);
  return settings;
}

export function checkCodec(option: string, codec: Codec): void {
  const isCodec =
    typeof codec?.encode === "function" &&
    typeof codec.decode === "function" &&
    typeof codec.name === "string" &&
    Number.isInteger(codec.id) &&
    codec.id >= 1 &&
    codec.id <= 255;
  if (!isCodec) throw expected(option, "a codec { id: 1..255, name, encode, decode }", codec);
}

/** One would be asked for what the other has written. */
function checkIds(codecs: readonly Codec[]): void {
  const names = new Map<number, string>();
  for (const { id, name } of codecs) {
    const other = names.get(id);
    if (other !== undefined && other !== name)
      throw new TypeError(`codecs: expected ids of their own, got the id ${id}, which ${other} has, for ${name}`);
    names.set(id, name);
  }
}

function checkOneOf(option: string, value: unknown, known: readonly string[]): void {
  if (typeof value === "string" && known.includes(value)) return;
  throw expected(option, known.map((name) => `"${name}"`).join(" or "), value);
}

function checkBoolean(option: string, value: unknown): void {
  if (typeof value !== "boolean") throw expected(option, "a boolean", value);
}

function checkText(option: string, value: unknown): void {
  if (typeof value !== "string" || value === "") throw expected(option, "a non-empty text", value);
}
