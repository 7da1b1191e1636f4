import { checkDuration, checkInteger, checkKeys, expected } from "@db/core";

/** What a test server does wrong, until it is told otherwise. All are off unless they are set. */
export interface SurrealFaults {
  /** The next so many requests are carried out, then their socket is cut without an answer. Default 0. */
  readonly dropBeforeReply: number;
  /** Answers are held back for so long after the request was carried out. Default 0. */
  readonly delayMs: number;
  /** The RPC methods that `dropBeforeReply` and `delayMs` are for, such as `query`. Default: all. */
  readonly methods: readonly string[] | undefined;
  /** `dropBeforeReply` and `delayMs` are for requests that hold this text alone, such as `CREATE`. Default: all. */
  readonly containing: string | undefined;
  /** Sockets accept what is sent and read none of it; what was read before is still answered. Default false. */
  readonly stopReading: boolean;
  /** The next so many dials are reset before the handshake. Default 0. */
  readonly refuseDials: number;
  /** A larger message closes its socket with code 1009. Bytes in 1..134,217,728. Default: the largest. */
  readonly maxMessageBytes: number;
  /** What `version` tells: `4.0.0` is told as `surrealdb-4.0.0`, other texts as they are. Default: the engine's own. */
  readonly version: string | undefined;
  /** `version` is never answered. Default false. */
  readonly versionNever: boolean;
  /** Tokens of sign-ins from now on are good for so long. The engine counts whole seconds. Default one hour. */
  readonly tokenTtlMs: number | undefined;
  /** Sessions of sign-ins from now on expire so long after they signed in. Default: never. */
  readonly sessionTtlMs: number | undefined;
  /** The password of the root user becomes this one. Tokens stay valid. Default: the one the server started with. */
  readonly password: string | undefined;
  /** At once: every session that is signed in must sign in or authenticate again ("The session has expired"). */
  readonly expireSessions: boolean;
  /** At once: every open socket is closed by a WebSocket close frame, ended by a FIN, or reset. */
  readonly dropSockets: "close" | "end" | "reset" | undefined;
}

/** The largest message a server takes, as `surreal start` does by default: 128 MiB. */
export const MAX_MESSAGE_BYTES = 134_217_728;

export const NO_FAULTS: SurrealFaults = {
  dropBeforeReply: 0,
  delayMs: 0,
  methods: undefined,
  containing: undefined,
  stopReading: false,
  refuseDials: 0,
  maxMessageBytes: MAX_MESSAGE_BYTES,
  version: undefined,
  versionNever: false,
  tokenTtlMs: undefined,
  sessionTtlMs: undefined,
  password: undefined,
  expireSessions: false,
  dropSockets: undefined,
};

/** @throws TypeError naming what was expected and what came */
export function checkFaults(faults: Partial<SurrealFaults>): Partial<SurrealFaults> {
  checkKeys("fault", faults, Object.keys(NO_FAULTS));
  for (const [name, value] of Object.entries(faults)) {
    const check = CHECKS[name as keyof SurrealFaults];
    if (value !== undefined) check(`fault: ${name}`, value);
    else if (NO_FAULTS[name as keyof SurrealFaults] !== undefined) throw expected(`fault: ${name}`, "a value", value);
  }
  return faults;
}

type Check = (option: string, value: unknown) => void;

const count: Check = (option, value) => checkInteger(option, value, 0, Number.MAX_SAFE_INTEGER);
const text: Check = (option, value) => {
  if (typeof value !== "string" || value === "") throw expected(option, "a non-empty text", value);
};
const flag: Check = (option, value) => {
  if (typeof value !== "boolean") throw expected(option, "true or false", value);
};

const CHECKS: { readonly [name in keyof SurrealFaults]: Check } = {
  dropBeforeReply: count,
  delayMs: (option, value) => value === 0 || checkDuration(option, value),
  methods(option, value) {
    if (!Array.isArray(value)) throw expected(option, "an array of names of RPC methods", value);
    for (const name of value) text(option, name);
  },
  containing: text,
  stopReading: flag,
  refuseDials: count,
  maxMessageBytes: (option, value) => checkInteger(option, value, 1, MAX_MESSAGE_BYTES),
  version: text,
  versionNever: flag,
  tokenTtlMs: checkDuration,
  sessionTtlMs: checkDuration,
  password: text,
  expireSessions: flag,
  dropSockets(option, value) {
    if (value !== "close" && value !== "end" && value !== "reset")
      throw expected(option, '"close", "end" or "reset"', value);
  },
};
