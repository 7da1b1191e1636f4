import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import { CHANNELS, type DatabaseService, isDatabaseError, type OperationEvent, type StateEvent } from "@db/core";
import { type LivePool, CHANNELS as POOL_CHANNELS } from "@db/pool";
import { CHANNELS as RETRY_CHANNELS } from "@db/retry";
import {
  type ErrorRow,
  type Headline,
  HISTORY,
  type OperationRow,
  type QueueFacts,
  type Sample,
  type SlowCall,
  STATES,
  type Tables,
  type Tick,
  type TimelineEntry,
} from "./ops-feed.ts";
import { Latencies } from "./ops-latencies.ts";
import { Minute } from "./ops-minute.ts";
import { Ring } from "./ring.ts";

export interface RecorderOptions {
  readonly db: Pick<DatabaseService, "state">;
  readonly pools: () => readonly LivePool[];
  /** What waits to be written; left out where the service has no queue. */
  readonly queue?: () => QueueFacts & { readonly acked: number };
  readonly isDraining: () => boolean;
  /** From how long on a call is listed as slow, in milliseconds. */
  readonly slowMs: number;
}

export interface RecorderListener {
  tick(tick: Tick): void;
  headline(headline: Headline): void;
  timeline(entry: TimelineEntry): void;
  slow(call: SlowCall): void;
}

const TIMELINE = 200;
const SLOW_CALLS = 50;
const SECOND_MS = 1_000;

type TraceMessage = OperationEvent & { readonly error?: unknown };

/** Watches the packages' channels and keeps the last quarter of an hour, for whoever opens the page later. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #samples = new Ring<Sample>(HISTORY);
  readonly #timeline = new Ring<TimelineEntry>(TIMELINE);
  readonly #slow = new Ring<SlowCall>(SLOW_CALLS);
  readonly #listeners = new Set<RecorderListener>();
  readonly #minute = new Minute();
  readonly #errors = new Minute();
  readonly #acquireStarts = new WeakMap<object, number>();
  readonly #stops: (() => void)[] = [];
  #second = new SecondOf();
  #acked = 0;
  #seq = 0;
  #tables = "";

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#acked = options.queue?.().acked ?? 0;
    this.#watchOperations();
    this.#watchAcquires();
    this.#watch(channel(CHANNELS.state), (message) => this.#stateChanged(message as StateEvent));
    this.#watch(channel(RETRY_CHANNELS.retry), (message) => {
      if ((message as { readonly outcome: string }).outcome === "retry") this.#second.retries += 1;
    });
    const timer = setInterval(() => this.#tick(), SECOND_MS);
    timer.unref();
    this.#stops.push(() => clearInterval(timer));
  }

  /** Returns the function that ends it. */
  listen(listener: RecorderListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get samples(): readonly Sample[] {
    return this.#samples.toArray();
  }

  get timeline(): readonly TimelineEntry[] {
    return this.#timeline.toArray();
  }

  get slow(): readonly SlowCall[] {
    return this.#slow.toArray();
  }

  headline(): Headline {
    const { state } = this.#options.db;
    const failed = state.name === "failed" ? state : undefined;
    return {
      at: Date.now(),
      state: state.name,
      refusing: failed !== undefined && performance.now() >= failed.unavailableAt,
      since: "since" in state ? epochOf(state.since) : null,
      nextAttemptAt: failed === undefined ? null : epochOf(failed.nextAttemptAt),
      unavailableAt: failed === undefined ? null : epochOf(failed.unavailableAt),
      errorCode: failed?.error.code ?? null,
      draining: this.#options.isDraining(),
    };
  }

  tables(): Tables {
    const operations = this.#minute.rows().map(({ key, ...row }): OperationRow => {
      const [operation = key, collection] = key.split(" ");
      return { operation, collection: collection ?? null, ...row };
    });
    const errors = this.#errors.rows().map(({ key, calls }): ErrorRow => ({ code: key, count: calls }));
    const queue = this.#options.queue?.();
    return {
      operations: operations.sort((a, b) => b.calls - a.calls),
      errors: errors.sort((a, b) => b.count - a.count),
      connections: this.#connections(),
      queue: queue === undefined ? null : withoutAcked(queue),
    };
  }

  /** For events that no channel tells of. */
  note(level: TimelineEntry["level"], what: string, detail = ""): void {
    this.#seq += 1;
    const entry = { seq: this.#seq, at: Date.now(), level, what, detail };
    this.#timeline.add(entry);
    for (const listener of this.#listeners) listener.timeline(entry);
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#listeners.clear();
  }

  #watchOperations(): void {
    const trace = tracingChannel<object>(CHANNELS.operation);
    const handlers = {
      asyncEnd: guarded((message) => this.#operationEnded(message as TraceMessage)),
    };
    trace.subscribe(handlers as never);
    this.#stops.push(() => trace.unsubscribe(handlers as never));
  }

  #watchAcquires(): void {
    const trace = tracingChannel<object>(POOL_CHANNELS.acquire);
    const handlers = {
      start: guarded((message) => this.#acquireStarts.set(message as object, performance.now())),
      asyncEnd: guarded((message) => {
        const startedAt = this.#acquireStarts.get(message as object);
        if (startedAt !== undefined) this.#second.acquires.add(performance.now() - startedAt);
      }),
    };
    trace.subscribe(handlers as never);
    this.#stops.push(() => trace.unsubscribe(handlers as never));
  }

  #watch(from: Channel, listener: (message: unknown) => void): void {
    const own = guarded(listener);
    from.subscribe(own);
    this.#stops.push(() => from.unsubscribe(own));
  }

  #operationEnded({ kind, collection, startedAt, error }: TraceMessage): void {
    const durationMs = performance.now() - startedAt;
    if (typeof kind !== "string" || !(durationMs >= 0)) throw new TypeError("expected a call with its kind and start");
    const failed = error !== undefined;
    this.#second.calls.add(durationMs);
    this.#minute.add(collection === undefined ? kind : `${kind} ${collection}`, durationMs, failed);
    const code = failed ? (isDatabaseError(error) ? error.code : "OTHER") : null;
    if (code !== null) {
      this.#second.errors += 1;
      this.#errors.add(code, durationMs, true);
    }
    if (durationMs < this.#options.slowMs) return;
    this.#seq += 1;
    const call: SlowCall = {
      seq: this.#seq,
      at: Date.now(),
      operation: kind,
      collection: collection ?? null,
      durationMs: Math.round(durationMs),
      error: code,
    };
    this.#slow.add(call);
    for (const listener of this.#listeners) listener.slow(call);
  }

  #stateChanged({ from, to }: StateEvent): void {
    if (to.name === "connected") this.note("good", "connected", from === "failed" ? "the database is back" : "");
    else if (to.name === "failed") {
      // Each dial that fails says so again: once is news.
      if (from !== "failed") this.note("bad", "connection lost", to.error.code);
    } else this.note("info", to.name);
    const headline = this.headline();
    for (const listener of this.#listeners) listener.headline(headline);
  }

  #tick(): void {
    const second = this.#second;
    this.#second = new SecondOf();
    const headline = this.headline();
    const sample = this.#sampleOf(second, headline);
    this.#samples.add(sample);
    // Adding up a minute takes milliseconds, which all requests would wait for.
    if (this.#listeners.size > 0) this.#tell(sample, headline);
    this.#minute.turn();
    this.#errors.turn();
  }

  #tell(sample: Sample, headline: Headline): void {
    const tables = this.tables();
    const text = JSON.stringify(tables);
    const changed = text !== this.#tables;
    this.#tables = text;
    const tick: Tick = changed ? { sample, headline, tables } : { sample, headline };
    for (const listener of this.#listeners) listener.tick(tick);
  }

  #sampleOf({ calls, acquires, errors, retries }: SecondOf, headline: Headline): Sample {
    const stats = this.#options.pools().map((pool) => pool.stats());
    const sum = (figure: (of: (typeof stats)[number]) => number): number | null =>
      stats.length === 0 ? null : stats.reduce((total, of) => total + figure(of), 0);
    const queue = this.#options.queue?.();
    const drained = queue === undefined ? null : queue.acked - this.#acked;
    this.#acked = queue?.acked ?? 0;
    return [
      headline.at,
      STATES.indexOf(headline.state),
      sum(({ inUse }) => inUse),
      sum(({ idle }) => idle),
      sum(({ creating, checking }) => creating + checking),
      sum(({ waiting }) => waiting),
      sum(({ max }) => max),
      acquires.quantile(0.5),
      acquires.quantile(0.95),
      acquires.quantile(0.99),
      calls.count,
      errors,
      retries,
      calls.quantile(0.5),
      calls.quantile(0.95),
      calls.quantile(0.99),
      queue?.pending ?? null,
      queue?.bytes ?? null,
      queue?.oldestAgeMs ?? null,
      drained,
      queue?.dead ?? null,
    ];
  }

  #connections(): Tables["connections"] {
    const pools = this.#options.pools();
    if (pools.length === 0) return null;
    const stats = pools.map((pool) => pool.stats());
    const closed: Record<string, number> = {};
    for (const { closed: reasons } of stats)
      for (const [reason, count] of Object.entries(reasons))
        if (count > 0) closed[reason] = (closed[reason] ?? 0) + count;
    const sum = (figure: (of: (typeof stats)[number]) => number): number =>
      stats.reduce((total, of) => total + figure(of), 0);
    return {
      agesMs: pools.flatMap((pool) => pool.connections().map(({ ageMs }) => Math.round(ageMs / 1_000) * 1_000)),
      closed,
      created: sum(({ created }) => created),
      createFailures: sum(({ createFailures }) => createFailures),
      timeouts: sum(({ timeouts }) => timeouts),
    };
  }
}

/** What happened since the last tick. */
class SecondOf {
  readonly calls = new Latencies();
  readonly acquires = new Latencies();
  errors = 0;
  retries = 0;
}

function withoutAcked({ acked: _, ...facts }: QueueFacts & { readonly acked: number }): QueueFacts {
  return facts;
}

/** A subscriber that throws would end the process: whoever only watches must not. */
function guarded(take: (message: unknown) => void): (message: unknown) => void {
  return (message) => {
    try {
      take(message);
    } catch (error) {
      process.emitWarning(`the operator page missed an event: ${error instanceof Error ? error.name : typeof error}`);
    }
  };
}

/** From the monotonic clock to the wall's, as it is now. */
function epochOf(monotonicMs: number): number {
  return Math.round(Date.now() + monotonicMs - performance.now());
}
