/** The calls of the matrix. `commit` is a transaction that meets the fault at its commit, `transaction` one that meets it before. */
export const CALLS = ["connect", "read", "write", "transaction", "commit", "live", "close"] as const;
/** What HTTP can do. */
export const HTTP_CALLS = ["connect", "read", "write", "close"] as const satisfies readonly CallName[];
export const FAULTS = [
  "refused",
  "black hole",
  "reset",
  "half-open",
  "drop before reply",
  "slow",
  "killed -9, restarted",
  "version wrong",
  "password wrong",
  "token expired",
] as const;
export type CallName = (typeof CALLS)[number];
export type FaultKind = (typeof FAULTS)[number];

/** `CODE/effect`, or a word for what is no error. */
type Outcome = string;

/** Of the call that the fault met on its way, of the next one while the fault lasts, and of those after it. */
export interface Expected {
  readonly underWay: readonly Outcome[];
  readonly meanwhile: readonly Outcome[];
  readonly after: readonly Outcome[];
}

const OK = ["ok"];
/** Nobody was reached: for how long there was no connection decides which, or the call's own deadline while it waited. */
const AWAY = ["CONNECTION_FAILED/none", "SERVICE_UNAVAILABLE/none", "QUERY_TIMEOUT/none"];
const LOST = ["CONNECTION_FAILED/none"];
const UNKNOWN = ["OUTCOME_UNKNOWN/unknown"];
const VERSION = ["UNSUPPORTED_VERSION/none"];
const PASSWORD = ["AUTHENTICATION_FAILED/none"];
/** A dial may be through before the next call has given up. */
const BACK_OR_AWAY = [...OK, ...AWAY];

/** How each fault shows to calls that come while it lasts, whatever they are. */
const MEANWHILE: { readonly [F in FaultKind]: readonly Outcome[] } = {
  refused: AWAY,
  "black hole": AWAY,
  reset: AWAY,
  "half-open": AWAY,
  "drop before reply": OK,
  slow: OK,
  "killed -9, restarted": BACK_OR_AWAY,
  "version wrong": VERSION,
  "password wrong": PASSWORD,
  "token expired": OK,
};

/** Tried again only every few seconds, since waiting does not cure them by itself: one row is enough to see that it ends. */
export const PERMANENT: readonly FaultKind[] = ["version wrong", "password wrong"];
/** Faults that the call on its way is spared. */
export const HARMLESS: readonly FaultKind[] = ["slow", "token expired"];

/** Nothing ends a connection under them, so that its silence has to be noticed. */
export const SILENT: readonly FaultKind[] = ["black hole", "half-open"];
/** A connect cannot succeed under them, nor be told why not. */
export const UNREACHABLE: readonly FaultKind[] = [...SILENT, "refused", "reset"];

/** The time that a call has: longer than any fault takes to be noticed, also where the machine halts for a moment. */
export const CALL_MS = 5_000;

/** By the contract's rules for errors and time (ARCHITECTURE.md), before any of it was run. */
export function expectedOf(call: CallName, fault: FaultKind): Expected {
  const after = PERMANENT.includes(fault) && call !== "read" && call !== "connect" ? ["–"] : OK;
  const meanwhile = MEANWHILE[fault];
  const unless = (outcomes: readonly Outcome[]): readonly Outcome[] => (HARMLESS.includes(fault) ? OK : outcomes);
  switch (call) {
    case "connect":
      return { underWay: connecting(fault), meanwhile: ["–"], after };
    case "read":
      return { underWay: unless(LOST), meanwhile, after };
    case "write":
    case "commit":
      // It was sent, and carried out: only its answer is missing.
      return { underWay: unless(UNKNOWN), meanwhile, after };
    case "transaction":
      // Its statements were carried out, and all of it is undone with its connection. A dropped reply is one of these.
      return { underWay: unless(LOST), meanwhile, after };
    case "live":
      return { underWay: watching(fault), meanwhile: ["–"], after };
    case "close":
      return { underWay: unless([...UNKNOWN, "CLOSED/unknown"]), meanwhile: ["closed"], after: ["CLOSED/none"] };
  }
}

function connecting(fault: FaultKind): readonly Outcome[] {
  if (fault === "version wrong") return VERSION;
  if (fault === "password wrong" || fault === "token expired") return PASSWORD;
  if (fault === "drop before reply" || fault === "slow" || fault === "killed -9, restarted") return OK;
  return LOST;
}

/** What a subscription tells of a gap: its own event, or the error that no waiting cures. */
function watching(fault: FaultKind): readonly Outcome[] {
  if (fault === "slow") return ["no gap"];
  if (fault === "token expired") return ["no gap", "resync"];
  if (fault === "version wrong") return VERSION;
  if (fault === "password wrong") return PASSWORD;
  return ["resync"];
}
