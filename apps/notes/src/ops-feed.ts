/**
 * What the operator page is told. Shared by the service and the page, so types and names only. Times are in milliseconds
 * since 1970, as the page shows them; durations in milliseconds.
 */

/** The figures of one second, in this order. What there was nothing to measure of is null. */
export const SERIES = [
  "at",
  "state",
  "used",
  "idle",
  "connecting",
  "waiting",
  "max",
  "acquireP50",
  "acquireP95",
  "acquireP99",
  "rate",
  "errors",
  "retries",
  "p50",
  "p95",
  "p99",
  "queued",
  "queueBytes",
  "queueAgeMs",
  "drained",
  "dead",
] as const;

export type SeriesName = (typeof SERIES)[number];
export type Sample = readonly (number | null)[];

/** What `state` means in a sample: the position in this list. */
export const STATES = ["disconnected", "connecting", "connected", "failed", "closed"] as const;

/** How much of the past is kept: 15 minutes of seconds. */
export const HISTORY = 900;

export interface Headline {
  readonly at: number;
  readonly state: (typeof STATES)[number];
  /** Whether calls are refused at once by now. */
  readonly refusing: boolean;
  readonly since: number | null;
  readonly nextAttemptAt: number | null;
  readonly unavailableAt: number | null;
  readonly errorCode: string | null;
  readonly draining: boolean;
}

export interface OperationRow {
  readonly operation: string;
  readonly collection: string | null;
  /** Of the last minute. */
  readonly calls: number;
  readonly errors: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface ErrorRow {
  readonly code: string;
  /** Of the last minute. */
  readonly count: number;
}

interface ConnectionFacts {
  /** Of those that are open, the oldest first. */
  readonly agesMs: readonly number[];
  /** How many were closed since the start, by reason; those that never happened are left out. */
  readonly closed: Readonly<Record<string, number>>;
  readonly created: number;
  readonly createFailures: number;
  readonly timeouts: number;
}

export interface QueueFacts {
  readonly state: string;
  readonly pending: number;
  readonly bytes: number;
  readonly dead: number;
  readonly parked: number;
  readonly oldestAgeMs: number;
  readonly ratePerSecond: number;
  readonly etaMs: number | null;
  readonly maxEntries: number;
}

/** What changes from second to second, beside the sample. */
export interface Tables {
  readonly operations: readonly OperationRow[];
  readonly errors: readonly ErrorRow[];
  readonly connections: ConnectionFacts | null;
  readonly queue: QueueFacts | null;
}

export interface TimelineEntry {
  readonly seq: number;
  readonly at: number;
  readonly level: "good" | "info" | "warn" | "bad";
  readonly what: string;
  readonly detail: string;
}

export interface SlowCall {
  readonly seq: number;
  readonly at: number;
  readonly operation: string;
  readonly collection: string | null;
  readonly durationMs: number;
  /** The code of the error that it ended with. */
  readonly error: string | null;
}

/** A dead letter as the page is shown it. */
export interface ShownLetter {
  readonly seq: number;
  readonly operationId: string | null;
  readonly kind: string;
  readonly id: string | null;
  readonly queuedAt: number;
  readonly attempts: number;
  /** The code of the error that it died of. */
  readonly error: string | null;
  /** Writes of the same record that wait behind it. */
  readonly parked: number;
  /** Only for an operator. */
  readonly detail: { readonly message: string; readonly data: string } | null;
}

export interface ShownLetters {
  readonly isOperator: boolean;
  readonly letters: readonly ShownLetter[];
}

export interface About {
  readonly service: string;
  readonly version: string;
  readonly startedAt: number;
  readonly node: string;
  /** The settings that hold now, without secrets. */
  readonly configuration: readonly (readonly [name: string, value: string])[];
  /** Whether there is an operator's token at all: without one nothing can be changed from the page. */
  readonly hasOperator: boolean;
  readonly hasLab: boolean;
}

/** The first event of a stream. */
export interface Snapshot {
  readonly about: About;
  readonly headline: Headline;
  readonly tables: Tables;
  /** From the oldest to the newest, at most `HISTORY`. */
  readonly samples: readonly Sample[];
  readonly timeline: readonly TimelineEntry[];
  readonly slow: readonly SlowCall[];
}

/** Once a second. */
export interface Tick {
  readonly sample: Sample;
  readonly headline: Headline;
  /** Left out where nothing in them changed. */
  readonly tables?: Tables;
}

/** The events of the stream by name. */
export interface Feed {
  readonly snapshot: Snapshot;
  readonly tick: Tick;
  readonly headline: Headline;
  readonly timeline: TimelineEntry;
  readonly slow: SlowCall;
}

/** How the fault lab is, where the service was started by it. */
export interface LabState {
  /** The name of the scenario that is played. */
  readonly playing: string | null;
  readonly tally: {
    readonly sent: number;
    readonly confirmed: number;
    readonly queued: number;
    readonly refused: number;
    readonly open: number;
    readonly checked: number;
    readonly lost: number;
    readonly doubled: number;
  } | null;
  readonly scenarios: readonly { readonly name: string; readonly title: string }[];
  readonly last: {
    readonly scenario: string;
    readonly firstRefusedMs: number | null;
    readonly recoveredMs: number | null;
    readonly faults: readonly string[];
  } | null;
}
