import { setTimeout as delay } from "node:timers/promises";
import { type DatabaseError, DatabaseErrorOf, toDatabaseError, untilInterrupted } from "@db/core";
import { channels } from "./channels.ts";
import { Drain } from "./drain.ts";
import { type Entry, readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { REPLAYED_AT_MS, unsureSince } from "./meta.ts";
import { type Note, notedError } from "./note.ts";
import { Pause } from "./pause.ts";
import { ReadAhead } from "./read-ahead.ts";
import { RateMeter } from "./stats.ts";
import type { StoredWrite } from "./stored-write.ts";
import type { Target } from "./target.ts";
import { expiredOutcome, isRepeatable, unknownOutcome, type Verdict } from "./verdict.ts";
import { type Work, workOf } from "./work.ts";

const RETRY_STORE_MS = 250;

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
  /** Ends by itself or with the next connection. */
  readonly #pause = new Pause(() => this.#pump());
  #marking: Promise<void> | undefined;
  #lastSuccessAt = 0;
  readonly #drain: Drain;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#ahead = new ReadAhead(journal);
    this.#drain = new Drain(journal.settings.name);
    journal.listen({ moved: () => this.#pump() });
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

  /** Lets what is in flight end until the signal fires, then stops it. May be called again while it waits, to be quicker. */
  async detach(signal: AbortSignal): Promise<void> {
    this.#leave?.();
    this.#leave = undefined;
    this.#target = undefined;
    this.#pause.end();
    if (this.#inFlight > 0) {
      // That of now: another service may be attached while this one's writes end.
      const running = this.#stop;
      const stop = (): void => running.abort(new DatabaseErrorOf("CLOSED", "the replay has been stopped", {}));
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop);
      this.#idle ??= Promise.withResolvers<void>();
      await this.#idle.promise;
      signal.removeEventListener("abort", stop);
    }
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
    const mayRun = !this.#paused && !this.#pause.isOn && this.#journal.ended === undefined;
    return mayRun && this.#target?.isConnected === true;
  }

  /** There is a connection: whatever was waited for, now is the time. */
  #resume(): void {
    this.#pause.end();
    this.#limit = 1;
    this.#pump();
  }

  #pump(): void {
    const target = this.#target;
    while (target !== undefined && this.#isRunning && this.#inFlight < this.#limit && this.#marked()) {
      const lane = this.#journal.backlog.takeLane();
      if (lane === NONE) break;
      this.#inFlight += 1;
      this.#drain.begin(this.#journal.backlog.count);
      this.#serve(lane, target).then(
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
    this.#drain.end();
    this.#idle?.resolve();
    this.#idle = undefined;
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
  async #serve(lane: number, target: Target): Promise<void> {
    const row = this.#journal.backlog.cursorOf(lane);
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
    const entry = readEntry(bytes);
    const work = workOf(journal.codecs, entry);
    if (typeof work === "string") {
      journal.counters.damaged += 1;
      const facts = { path: journal.settings.path ?? "", found: [work] };
      const error = new DatabaseErrorOf("STORAGE_DAMAGED", `the entry is damaged: ${work}`, facts);
      this.#dead(row, error, entry, undefined);
      return;
    }
    const { write, operation } = work;
    const { operationId, queuedAt } = work.entry;
    const note = journal.noteOf(row);
    if (note.deadSince !== undefined) {
      journal.park(row, note);
      return;
    }
    const forgotten = this.#forgotten(row, work, target);
    if (forgotten !== undefined) {
      this.#dead(row, forgotten, work.entry, write);
      return;
    }
    const startedAt = performance.now();
    const verdict = await target.apply({
      operation,
      scope: write.scope,
      operationId,
      fingerprint: write.fingerprint,
      attempt: note.attempts + 1,
      timeoutMs: journal.settings.attemptTimeoutMs,
      signal: this.#stop.signal,
    });
    if (verdict.name === "applied") {
      journal.applied(row);
      journal.counters.acked += 1;
      this.#rate.count();
      this.#lastSuccessAt = performance.now();
      this.#pause.reset();
      this.#limit = Math.min(journal.settings.concurrency, this.#limit * 2);
      if (channels.ack.hasSubscribers) {
        const { kind, collection } = operation;
        const waitedMs = Date.now() - queuedAt;
        const queue = journal.settings.name;
        channels.ack.publish({ queue, kind, collection, operationId, attempts: note.attempts + 1, waitedMs });
      }
      if (!verdict.inLedger && target.hasLedger) await this.#stored();
      return;
    }
    this.#failed(row, lane, work, verdict, startedAt);
  }

  /**
   * For the end of what the ledger does not know: after a crash it would be applied again, and the writes behind it, which the
   * ledger knows, would not. A delete of what was missing would take away what was created since.
   */
  async #stored(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.#journal.ended === undefined) {
      try {
        await untilInterrupted(this.#journal.committer.flush(), { signal }, "none");
        return;
      } catch {
        // Told as an error of the commit. A disk that is full may have room again.
        await delay(RETRY_STORE_MS, undefined, { signal, ref: false }).catch(() => {});
      }
    }
  }

  #failed(
    row: number,
    lane: number,
    { entry, write }: Work,
    verdict: Exclude<Verdict, { name: "applied" }>,
    startedAt: number,
  ): void {
    const journal = this.#journal;
    const { name, error } = verdict;
    if (name === "dead" || name === "compare") {
      this.#dead(row, error, entry, write);
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
      this.#dead(row, error, entry, write, unknownSince);
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

  /** @param unknownSince for a redrive that comes after the ledger has forgotten */
  #dead(
    row: number,
    error: DatabaseError,
    entry: Entry | undefined,
    write: StoredWrite | undefined,
    unknownSince = this.#journal.noteOf(row).unknownSince,
  ): void {
    const journal = this.#journal;
    const note = journal.noteOf(row);
    const attempts = note.attempts + 1;
    journal.park(row, { ...note, attempts, unknownSince, lastError: notedError(error), deadSince: Date.now() });
    if (!channels.dead.hasSubscribers) return;
    const collection = write?.id.slice(0, write.id.indexOf(":"));
    const operationId = entry?.operationId;
    const queue = journal.settings.name;
    channels.dead.publish({ queue, kind: write?.kind, collection, operationId, code: error.code, attempts });
  }

  /** Why it must not be applied: it may have been before, nobody can tell any more, and twice would do harm. */
  #forgotten(row: number, { entry, operation }: Work, target: Target): DatabaseError | undefined {
    const { settings, backlog, meta } = this.#journal;
    const { unknownSince } = this.#journal.noteOf(row);
    const crashed = unsureSince(meta, backlog.seqOf(row), entry.queuedAt);
    const since = unknownSince ?? (entry.maybeApplied ? entry.queuedAt : crashed);
    if (since === undefined) return undefined;
    if (!target.hasLedger) return isRepeatable(operation) ? undefined : unknownOutcome(entry.operationId);
    if (Date.now() - since <= settings.ledgerRetentionMs) return undefined;
    return expiredOutcome(entry.operationId, settings.ledgerRetentionMs);
  }

  /** Nothing is applied for a while. While there is no connection the next one ends it. */
  #away(error: DatabaseError): void {
    this.#limit = 1;
    this.#drain.stop(error);
    this.#pause.begin();
  }
}
