import {
  type DatabaseError,
  DatabaseErrorOf,
  type OperationOf,
  toDatabaseError,
  untilInterrupted,
  type WriteKind,
} from "@db/core";
import { channels, drains } from "./channels.ts";
import { type Entry, readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { type Note, notedError } from "./note.ts";
import { ReadAhead } from "./read-ahead.ts";
import { RateMeter } from "./stats.ts";
import { type StoredWrite, toOperation } from "./stored-write.ts";
import type { Target } from "./target.ts";
import { expiredOutcome, isRepeatable, unknownOutcome, type Verdict } from "./verdict.ts";

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;
/** How exactly the time of the last replay is known after a crash. */
const REPLAYED_AT_MS = 3_600_000;

interface Work {
  readonly write: StoredWrite;
  readonly operation: OperationOf<WriteKind>;
}

/**
 * Applies what is stored while there is a connection: each record strictly in order, records side by side. Begins with one
 * at a time and doubles with each success, so that a database that has just come back is not run over.
 */
export class Replayer {
  readonly #journal: Journal;
  readonly #ahead: ReadAhead;
  readonly #rate = new RateMeter();
  #target: Target | undefined;
  #leave: (() => void) | undefined;
  #stop = new AbortController();
  #inFlight = 0;
  #limit = 1;
  #paused = false;
  /** Why nothing is applied for the moment; ends by a timer or with the next connection. */
  #pause: NodeJS.Timeout | undefined;
  #pauseMs = 0;
  #marking: Promise<void> | undefined;
  #lastSuccessAt = 0;
  #drain: PromiseWithResolvers<void> | undefined;
  /** What the stretch of replay under way was stopped by. */
  #stopped: DatabaseError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#ahead = new ReadAhead(journal);
    journal.listen({ settled() {}, parked() {}, freed() {}, moved: () => this.#pump() });
  }

  get inFlight(): number {
    return this.#inFlight;
  }
  get isPaused(): boolean {
    return this.#paused;
  }
  get target(): Target | undefined {
    return this.#target;
  }
  get ratePerSecond(): number {
    return this.#rate.perSecond();
  }

  attach(target: Target): void {
    this.#target = target;
    this.#stop = new AbortController();
    this.#leave = target.onStateChange(() => {
      if (target.isConnected) this.#resume();
    });
    this.#resume();
  }

  /** Lets what is in flight end until the signal fires, then stops it. */
  async detach(signal: AbortSignal): Promise<void> {
    if (this.#target === undefined) return;
    this.#leave?.();
    this.#leave = undefined;
    this.#target = undefined;
    this.#endPause();
    const stop = (): void => this.#stop.abort(new DatabaseErrorOf("CLOSED", "the replay has been stopped", {}));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop);
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    signal.removeEventListener("abort", stop);
    this.#ahead.clear();
  }

  pause(): void {
    this.#paused = true;
  }

  unpause(): void {
    this.#paused = false;
    this.#pump();
  }

  get #isRunning(): boolean {
    return this.#target?.isConnected === true && !this.#paused && this.#pause === undefined;
  }

  /** There is a connection: whatever was waited for, now is the time. */
  #resume(): void {
    this.#endPause();
    this.#limit = 1;
    this.#pump();
  }

  #pump(): void {
    while (this.#isRunning && this.#inFlight < this.#limit && this.#marked()) {
      const lane = this.#journal.backlog.takeLane();
      if (lane === NONE) break;
      this.#inFlight += 1;
      this.#beginDrain();
      this.#serve(lane).then(
        () => this.#served(lane),
        (error: unknown) => this.#journal.report("replay", error),
      );
    }
  }

  #served(lane: number): void {
    this.#inFlight -= 1;
    this.#journal.release(lane);
    this.#pump();
    if (this.#inFlight > 0) return;
    this.#endDrain();
    this.#onIdle?.();
    this.#onIdle = undefined;
  }

  /** Before anything is sent it is noted that from now on something may have been. */
  #marked(): boolean {
    const { meta, backlog } = this.#journal;
    if (backlog.liveCount === 0) return false;
    if (Date.now() - meta.replayedAt < REPLAYED_AT_MS) return true;
    this.#marking ??= this.#journal
      .saveMeta({ replayedAt: Date.now() })
      // A disk that cannot be written to must not keep the writes from the database.
      .catch((error: unknown) => this.#journal.report("replay", error))
      .finally(() => {
        this.#marking = undefined;
        this.#pump();
      });
    return false;
  }

  /** Applies the next entry of a lane, which then goes to the end of the line. Never rejects. */
  async #serve(lane: number): Promise<void> {
    const { backlog } = this.#journal;
    const target = this.#target;
    if (target === undefined) return;
    const row = backlog.cursorOf(lane);
    try {
      await this.#apply(row, lane, target);
    } catch (error) {
      // What is not a verdict is a fault on our side of the database: a store that does not read, say.
      this.#journal.report("read", error);
      this.#away(toDatabaseError(error, "none"));
    }
  }

  async #apply(row: number, lane: number, target: Target): Promise<void> {
    const journal = this.#journal;
    // A disk that does not answer must not hold up the end of the service.
    const bytes = await untilInterrupted(this.#ahead.read(row), this.#stop, "none");
    const entry = bytes === undefined ? undefined : readEntry(bytes);
    const work = this.#decoded(entry);
    if (entry === undefined || typeof work === "string") {
      journal.counters.damaged += 1;
      const found = typeof work === "string" ? work : "";
      const error = new DatabaseErrorOf("STORAGE_DAMAGED", `the entry is damaged: ${found}`, {
        path: "",
        found: [found],
      });
      this.#dead(row, entry, undefined, error);
      return;
    }
    const { write, operation } = work;
    const { operationId, queuedAt } = entry;
    const note = journal.noteOf(row);
    const forgotten = this.#forgotten(row, entry, isRepeatable(operation), target);
    if (forgotten !== undefined) {
      this.#dead(row, entry, write, forgotten);
      return;
    }
    const startedAt = performance.now();
    const verdict = await target.apply({
      operation,
      scope: write.scope,
      operationId,
      attempt: note.attempts + 1,
      timeoutMs: journal.settings.attemptTimeoutMs,
      signal: this.#stop.signal,
    });
    if (verdict.name === "applied") {
      journal.applied(row);
      journal.counters.acked += 1;
      this.#rate.count();
      this.#lastSuccessAt = performance.now();
      this.#pauseMs = 0;
      this.#limit = Math.min(journal.settings.concurrency, this.#limit * 2);
      if (channels.ack.hasSubscribers) {
        const { kind, collection } = operation;
        const waitedMs = Date.now() - queuedAt;
        const queue = journal.settings.name;
        channels.ack.publish({ queue, kind, collection, operationId, attempts: note.attempts + 1, waitedMs });
      }
      return;
    }
    this.#failed(row, lane, entry, write, verdict, startedAt);
  }

  /** What is to be done, or what is wrong with the entry. */
  #decoded(entry: Entry | undefined): Work | string {
    if (entry === undefined) return "its bytes are not what was written";
    try {
      const write = this.#journal.decode(entry);
      return { write, operation: toOperation(write) };
    } catch (error) {
      return `it cannot be decoded (${error instanceof Error ? error.name : typeof error})`;
    }
  }

  #failed(
    row: number,
    lane: number,
    entry: Entry,
    write: StoredWrite,
    verdict: Exclude<Verdict, { name: "applied" }>,
    startedAt: number,
  ): void {
    const journal = this.#journal;
    const { name, error } = verdict;
    if (name === "dead" || name === "compare") {
      this.#dead(row, entry, write, error);
      return;
    }
    const note = journal.noteOf(row);
    const unknownSince = note.unknownSince ?? (error.effect === "unknown" ? Date.now() : undefined);
    // A timeout while nothing else goes through either is an outage that has not been noticed yet.
    const counts = name === "again" && (error.code !== "QUERY_TIMEOUT" || this.#lastSuccessAt >= startedAt);
    if (!counts) {
      if (unknownSince !== note.unknownSince) journal.note(row, { ...note, unknownSince });
      this.#away(error);
      return;
    }
    const attempts = note.attempts + 1;
    const noted: Note = { ...note, attempts, unknownSince, lastError: notedError(error) };
    if (attempts >= journal.settings.maxAttempts) {
      this.#dead(row, entry, write, error);
      return;
    }
    journal.note(row, noted);
    this.#delay(lane, attempts);
  }

  /** The lane waits; the others go on. */
  #delay(lane: number, attempts: number): void {
    const { minBackoffMs, maxBackoffMs } = this.#journal.settings;
    const ceilingMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** (attempts - 1));
    const { backlog } = this.#journal;
    backlog.hold(lane);
    setTimeout(
      () => {
        backlog.unhold(lane);
        this.#pump();
      },
      ceilingMs / 2 + (Math.random() * ceilingMs) / 2,
    ).unref();
  }

  #dead(row: number, entry: Entry | undefined, write: StoredWrite | undefined, error: DatabaseError): void {
    const journal = this.#journal;
    const note = journal.noteOf(row);
    const attempts = note.attempts + 1;
    journal.park(row, { ...note, attempts, lastError: notedError(error), deadSince: Date.now() });
    if (!channels.dead.hasSubscribers) return;
    const collection = write?.id.slice(0, write.id.indexOf(":"));
    const operationId = entry?.operationId;
    const queue = journal.settings.name;
    channels.dead.publish({ queue, kind: write?.kind, collection, operationId, code: error.code, attempts });
  }

  /** Why it must not be applied: it may have been before, nobody can tell any more, and twice would do harm. */
  #forgotten(row: number, entry: Entry, repeatable: boolean, target: Target): DatabaseError | undefined {
    const { settings, replayedBefore } = this.#journal;
    const { unknownSince } = this.#journal.noteOf(row);
    const crashed = replayedBefore > 0 && entry.queuedAt < replayedBefore + REPLAYED_AT_MS ? replayedBefore : undefined;
    const since = unknownSince ?? (entry.maybeApplied ? entry.queuedAt : crashed);
    if (since === undefined) return undefined;
    if (!target.hasLedger) return repeatable ? undefined : unknownOutcome(entry.operationId);
    if (Date.now() - since <= settings.ledgerRetentionMs) return undefined;
    return expiredOutcome(entry.operationId, settings.ledgerRetentionMs);
  }

  /** Nothing is applied for a while. While there is no connection the next one ends it. */
  #away(error: DatabaseError): void {
    this.#limit = 1;
    this.#stopped = error;
    if (this.#pause !== undefined) return;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, this.#pauseMs * 2));
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.#pump();
      },
      this.#pauseMs * (0.5 + Math.random() / 2),
    );
    this.#pause.unref();
  }

  #endPause(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  #beginDrain(): void {
    if (this.#drain !== undefined || !drains.hasSubscribers) return;
    const drain = Promise.withResolvers<void>();
    this.#drain = drain;
    this.#stopped = undefined;
    const event = { queue: this.#journal.settings.name, pending: this.#journal.backlog.count };
    // Its error is for those who watch; the replay has seen it already.
    drains.tracePromise(() => drain.promise, event).catch(() => {});
  }

  #endDrain(): void {
    if (this.#stopped === undefined) this.#drain?.resolve();
    else this.#drain?.reject(this.#stopped);
    this.#drain = undefined;
  }
}
