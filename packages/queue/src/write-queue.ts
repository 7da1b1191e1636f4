import { checkKeys, DatabaseErrorOf, invalid, type Layer, newOperationId, parseRecordId, type Scope } from "@db/core";
import { Barriers } from "./barriers.ts";
import type { Codec } from "./codec.ts";
import { type DeadLetter, type DeadLetterOptions, DeadLetters } from "./dead-letters.ts";
import { type Inspection, inspect } from "./inspect.ts";
import { Intake, type Receipt } from "./intake.ts";
import { Journal } from "./journal.ts";
import { json } from "./json.ts";
import { NONE } from "./lanes.ts";
import { queueLayer } from "./layer.ts";
import { MemoryStore } from "./memory-store.ts";
import { readSettings, type Settings, type WriteQueueOptions } from "./options.ts";
import { type LiveQueue, register } from "./registry.ts";
import { Replayer } from "./replayer.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { QueueState, QueueStats } from "./stats.ts";
import type { QueueStore } from "./store.ts";
import { checkScope, checkSignal, checkWrite, isFingerprint, isOperationId, type QueuedWrite } from "./stored-write.ts";
import { type ExportOptions, exportTo, type ImportReport, importFrom } from "./transfer.ts";
import { Turnstile } from "./turnstile.ts";

export interface EnqueueOptions {
  /** Ends the wait for room; what is being stored is not called back. */
  readonly signal?: AbortSignal;
  /** Names the write, 1..128 letters, digits or `. : _ -`. Default: a new UUIDv7. The same one again is the same write. */
  readonly operationId?: string;
  /**
   * A digest of the write, 1..128 printable ASCII characters: another one under the same operation id is refused, here and by the
   * ledger. Default none.
   */
  readonly fingerprint?: string;
  /** The tenant it is for. */
  readonly scope?: Scope;
}

/**
 * - `waiting`: stored, and to be applied.
 * - `applied`: the database has it. Remembered for `outcomeRetentionMs`; the database's ledger remembers longer.
 * - `dead`: it is a dead letter, or was one and has been discarded.
 * - `unknown`: never seen here, or too long ago.
 */
export type Outcome = "waiting" | "applied" | "dead" | "unknown";

/**
 * Store-and-forward for writes. Put `queue.layer` first among the layers of a service: while the database is away its
 * writes are stored, answered with `status: "queued"`, and applied in order, once, when it is back.
 */
export class WriteQueue implements LiveQueue, AsyncDisposable {
  readonly kind = "queue";
  readonly name: string;
  /** For `createDatabase({ layers: [queue.layer, …] })`: first, so that replays pass through all others. One service at a time. */
  readonly layer: Layer;
  readonly #settings: Settings;
  readonly #journal: Journal;
  readonly #intake: Intake;
  readonly #replayer: Replayer;
  readonly #barriers: Barriers;
  readonly #deadLetters: DeadLetters;
  readonly #unregister: () => void;
  #closing: Promise<void> | undefined;

  /**
   * Opens a queue, alone: its file is locked until `close()` or the end of the process.
   * @throws TypeError for an option that is unknown or wrong
   * @throws DATABASE_LOCKED naming the process that has it; STORAGE_DAMAGED; STORAGE_FAILED
   */
  static async open(options: WriteQueueOptions): Promise<WriteQueue> {
    const settings = readSettings(options);
    const store = settings.store ?? storeFor(settings);
    const journal = new Journal(store, settings);
    try {
      await journal.open();
    } catch (error) {
      await store.close();
      throw error;
    }
    return new WriteQueue(journal);
  }

  /**
   * What a file holds, also while a process has it open. Verifies every entry and changes nothing. Blocks while it reads: for
   * tools, not for a service.
   * @throws STORAGE_FAILED
   */
  static async inspect(path: string): Promise<Inspection> {
    return inspect(path);
  }

  private constructor(journal: Journal) {
    this.#journal = journal;
    this.#settings = journal.settings;
    this.name = journal.settings.name;
    this.#intake = new Intake(journal);
    this.#replayer = new Replayer(journal);
    this.#barriers = new Barriers(journal);
    this.#deadLetters = new DeadLetters(journal);
    const turnstile = new Turnstile(journal);
    this.layer = queueLayer({ journal, intake: this.#intake, replayer: this.#replayer, turnstile });
    this.#unregister = register(this);
  }

  /**
   * Stores a write, whatever the state of the database. Resolves when it is as durable as `durability` says. The data is copied
   * at the call.
   * @throws QUEUE_FULL, PAYLOAD_TOO_LARGE, STORAGE_FAILED: not stored. DURABILITY_UNKNOWN: nobody can tell
   * @throws VALIDATION_FAILED (rule `operation_reused`: another write has this operation id), INVALID_RECORD_ID, CANCELLED, CLOSED
   */
  enqueue(write: QueuedWrite, options: EnqueueOptions = {}): Promise<Receipt> {
    try {
      const operation = checkWrite(write);
      const { operationId = newOperationId(), fingerprint, scope, signal } = checkEnqueueOptions(options);
      return this.#intake.put({ operation, scope, operationId, fingerprint, maybeApplied: false, signal });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What became of a write. */
  outcome(operationId: string): Outcome {
    const { backlog, outcomes } = this.#journal;
    const operation = this.#journal.hashOf(operationId);
    const row = backlog.findOperation(operation);
    if (row === NONE || backlog.isDone(row)) return outcomes.get(operation) ?? "unknown";
    const lane = backlog.laneOf(row);
    return backlog.isDead(lane) && backlog.cursorOf(lane) === row ? "dead" : "waiting";
  }

  /**
   * Resolves when all writes of before (of one record, if `id` is given) are applied: for a `query`, `find` or `transaction`, which do
   * not see waiting writes. Dead letters, and what stands behind one, are not waited for.
   * @throws CANCELLED or the signal's own `DatabaseError`; INVALID_RECORD_ID; CLOSED, STORAGE_FAILED when the queue ends before
   */
  async barrier(id?: string, options: { readonly signal?: AbortSignal; readonly scope?: Scope } = {}): Promise<void> {
    checkKeys("barrier", options, ["signal", "scope"]);
    checkSignal(options.signal);
    if (options.scope !== undefined) checkScope(options.scope);
    if (id !== undefined) parseRecordId(id);
    const lane = id === undefined ? undefined : this.#journal.laneHash(id, options.scope);
    await this.#barriers.wait(lane, options.signal);
  }

  /** Dead letters, the oldest first. */
  deadLetters(options: DeadLetterOptions = {}): Promise<readonly DeadLetter[]> {
    return this.#deadLetters.list(options);
  }

  /**
   * Tries dead letters again, from their first attempt on; what stands behind them follows. Resolves to how many there were.
   * @param id an operation id, a record id, or a `seq`
   */
  redrive(id: string | number): Promise<number> {
    return this.#deadLetters.redrive(id);
  }

  /**
   * Gives dead letters up for good; what stands behind them goes on. Resolves to how many there were.
   * @param id an operation id, a record id, or a `seq`
   * @param reason for whoever asks later; kept with the outcome
   */
  discard(id: string | number, reason: string): Promise<number> {
    return this.#deadLetters.discard(id, reason);
  }

  /**
   * Writes all entries into a file, a line of JSON each, for another queue to import. They stay here as well: close this queue, or
   * the same writes are applied by both. Resolves to how many there were.
   * @param codec how the writes stand in it. Default `json`
   * @throws STORAGE_FAILED for a file that cannot be written; STORAGE_DAMAGED naming an entry; CANCELLED, CLOSED
   * @throws VALIDATION_FAILED for a file of the queue itself
   */
  exportTo(path: string, codec: Codec = json, options: ExportOptions = {}): Promise<number> {
    return exportTo(this.#journal, path, codec, options);
  }

  /**
   * Takes in what another queue has exported, with operation ids, ages and dead letters. What is here already is skipped.
   * @throws STORAGE_FAILED for a file that cannot be read; VALIDATION_FAILED naming a line; what `enqueue` throws
   */
  importFrom(path: string): Promise<ImportReport> {
    return importFrom(this.#journal, this.#intake, path);
  }

  /** Stops applying, after what is in flight; goes on storing. */
  pause(): void {
    this.#replayer.pause();
  }

  resume(): void {
    this.#replayer.unpause();
  }

  stats(): QueueStats {
    const { backlog, counters } = this.#journal;
    const { durability } = this.#journal.store;
    const { maxEntries, maxBytes } = this.#settings;
    const ratePerSecond = this.#replayer.ratePerSecond;
    const live = backlog.liveCount;
    const oldest = backlog.oldestQueuedAt;
    return {
      name: this.name,
      state: this.#state,
      durability,
      pending: backlog.activeCount,
      bytes: backlog.bytes,
      maxEntries,
      maxBytes,
      lanes: backlog.laneCount,
      inFlight: this.#replayer.inFlight,
      dead: backlog.deadCount,
      parked: backlog.parkedCount,
      oldestAgeMs: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest),
      ratePerSecond,
      etaMs: live === 0 ? 0 : ratePerSecond === 0 ? undefined : (live / ratePerSecond) * 1_000,
      ...counters,
      rejected: { ...counters.rejected },
    };
  }

  /**
   * Makes all that is done durable, and gives the file free. For an orderly end: `db.disconnect()` first, then this. What waits stays
   * stored. Ends within 30 s.
   * @throws what kept something from becoming durable; what was applied is then applied again, under its operation id
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #state(): QueueState {
    if (this.#closing !== undefined) return "closed";
    if (this.#journal.ended !== undefined) return "failed";
    const { target, isPaused, inFlight } = this.#replayer;
    if (target === undefined) return "detached";
    if (isPaused) return "paused";
    if (inFlight > 0) return "draining";
    return this.#journal.backlog.liveCount > 0 ? "waiting" : "idle";
  }

  async #close(): Promise<void> {
    this.#unregister();
    this.#journal.end(new DatabaseErrorOf("CLOSED", "the queue is closed", {}));
    await this.#replayer.detach(AbortSignal.abort());
    await this.#journal.close();
  }
}

function storeFor({ path, durability, onCorruption }: Settings): QueueStore {
  if (path === undefined || durability === "memory") return new MemoryStore();
  return new SqliteStore({ path, durability, onCorruption });
}

function checkEnqueueOptions(options: EnqueueOptions): EnqueueOptions {
  checkKeys("enqueue", options, ["signal", "operationId", "fingerprint", "scope"]);
  const { operationId, fingerprint, scope, signal } = options;
  checkSignal(signal);
  if (operationId !== undefined && !isOperationId(operationId))
    throw invalid(["operationId"], "operationId", "1..128 letters, digits or . : _ -");
  if (fingerprint !== undefined && !isFingerprint(fingerprint))
    throw invalid(["fingerprint"], "fingerprint", "1..128 printable ASCII characters");
  if (scope !== undefined) checkScope(scope);
  return options;
}
