import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { trace } from "@opentelemetry/api";
import { errorTypeOf } from "./error-type.ts";
import { Faults } from "./faults.ts";
import { readSlowCallOptions, type SlowCallOptions, type SlowCallSettings } from "./slow-call-options.ts";
import { type OperationEvent, SOURCES } from "./sources.ts";
import { textOf } from "./text.ts";

/** A call that took too long. Never a value: the text is sanitised. */
export interface SlowCall {
  /** `read`, `find`, `query`, … */
  readonly operation: string;
  readonly collection: string | undefined;
  readonly namespace: string | undefined;
  /** The driver's name. */
  readonly adapter: string;
  readonly durationMs: number;
  /** The limit that it passed. */
  readonly thresholdMs: number;
  /** The code of its error; undefined where it succeeded. */
  readonly errorType: string | undefined;
  readonly rows: number | undefined;
  readonly operationId: string;
  readonly traceId: string | undefined;
  readonly text: string | undefined;
  /** How many of this operation and collection were left out since the last one that was told. */
  readonly omitted: number;
}

/** What `watchSlowCalls` gives. */
export interface SlowCallWatch extends Disposable {
  /** How often `log` or `alert` threw. */
  readonly faults: number;
  stop(): void;
}

/**
 * Tells of calls that took too long, with one limit for the log and a second one for an alert. It needs no SDK. What it
 * calls may throw: that is counted and told once.
 *
 * @throws TypeError for an option that is unknown or wrong
 */
export function watchSlowCalls(options: SlowCallOptions): SlowCallWatch {
  const settings = readSlowCallOptions(options);
  const faults = new Faults();
  const logged = new Sample(settings.maxPerMinute);
  const alerted = new Sample(settings.maxAlertsPerMinute);

  const take = faults.guard<OperationEvent>("the slow-call log", (event) => {
    const durationMs = performance.now() - event.startedAt;
    if (durationMs < settings.leastMs) return;
    const { thresholdMs, alertMs } = limitsOf(settings, event);
    if (durationMs >= thresholdMs) tell(logged, settings.log, event, durationMs, thresholdMs);
    if (durationMs >= alertMs) tell(alerted, settings.alert, event, durationMs, alertMs);
  }) as (event: unknown) => void;
  const channel = `tracing:${SOURCES.operation}:asyncEnd`;
  subscribe(channel, take);
  const stop = (): void => void unsubscribe(channel, take);

  const tell = (
    sample: Sample,
    to: (call: SlowCall) => unknown,
    event: OperationEvent,
    durationMs: number,
    thresholdMs: number,
  ): void => {
    const omitted = sample.take(`${event.kind} ${event.collection ?? ""}`);
    if (omitted === undefined) return;
    const told = faults.guard<SlowCall>("the slow-call log", (call) => {
      const result = to(call);
      if (result instanceof Promise) result.catch((fault: unknown) => faults.note("the slow-call log", fault));
    });
    told(describe(event, durationMs, thresholdMs, omitted));
  };
  return {
    get faults() {
      return faults.count;
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

function limitsOf(
  settings: SlowCallSettings,
  { kind, collection }: OperationEvent,
): { readonly thresholdMs: number; readonly alertMs: number } {
  for (const rule of settings.rules) {
    const applies =
      (rule.operation === undefined || rule.operation === kind) &&
      (rule.collection === undefined || rule.collection === collection);
    if (applies) return rule;
  }
  return settings;
}

function describe(event: OperationEvent, durationMs: number, thresholdMs: number, omitted: number): SlowCall {
  const { driver, namespace, kind, collection, operationId, rows } = event;
  return {
    operation: kind,
    collection,
    namespace,
    adapter: driver,
    durationMs,
    thresholdMs,
    errorType: errorTypeOf(event),
    rows,
    operationId,
    traceId: trace.getActiveSpan()?.spanContext().traceId,
    text: textOf(event.text)?.text,
    omitted,
  };
}

const MINUTE_MS = 60_000;
/** Operations and collections that are told apart; all others share one allowance. */
const MAX_KEYS = 1_000;

/** Lets so many of each kind through in a minute, and counts the others. */
class Sample {
  readonly #perMinute: number;
  readonly #kinds = new Map<string, { until: number; taken: number; omitted: number }>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** How many were left out before this one; undefined if this one is. */
  take(key: string): number | undefined {
    const now = performance.now();
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      const own = this.#kinds.size < MAX_KEYS ? key : "";
      kind = this.#kinds.get(own) ?? { until: 0, taken: 0, omitted: 0 };
      this.#kinds.set(own, kind);
    }
    if (now >= kind.until) {
      kind.until = now + MINUTE_MS;
      kind.taken = 0;
    }
    if (kind.taken >= this.#perMinute) {
      kind.omitted += 1;
      return undefined;
    }
    kind.taken += 1;
    const { omitted } = kind;
    kind.omitted = 0;
    return omitted;
  }
}
