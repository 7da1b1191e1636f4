import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  type ErrorCode,
  type Execute,
  isDatabaseError,
  isOperationReused,
  type Layer,
  type LayerHost,
  type OperationOf,
  override,
  type Row,
  type WriteKind,
  type WriteResult,
} from "@db/core";
import type { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { pendingView } from "./pending-view.ts";
import type { Replayer } from "./replayer.ts";
import { canBeStored } from "./stored-write.ts";
import { Target } from "./target.ts";
import type { Turnstile } from "./turnstile.ts";

/** These tell that the database was not there. */
const OUTAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "CONNECTION_FAILED",
  "NOT_CONNECTED",
  "SERVICE_UNAVAILABLE",
]);
/** What is too large for the queue, or nothing that its codec can hold, can be applied all the same. */
const WAITS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["VALIDATION_FAILED", "PAYLOAD_TOO_LARGE"]);
/** Tells the caller more than the outage does. */
const TELLING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["QUEUE_FULL", "STORAGE_FAILED"]);

export interface LayerParts {
  readonly journal: Journal;
  readonly intake: Intake;
  readonly replayer: Replayer;
  readonly turnstile: Turnstile;
}

/** The layer of a queue: outermost, so that what it replays goes through all others. */
export function queueLayer(parts: LayerParts): Layer {
  return (next, host) => {
    const gate = new Gate(parts, next, host);
    const { replayer, journal } = parts;
    if (replayer.target !== undefined)
      throw new TypeError("queue.layer: expected a queue that no other service uses, got one that is in use");
    replayer.attach(new Target(next, host));
    host.onClose((signal) => replayer.detach(signal));
    const write = <K extends WriteKind>(operation: OperationOf<K>, context: CallContext): Promise<WriteResult> =>
      gate.write(operation as OperationOf<WriteKind>, context);
    const read = (operation: OperationOf<"read">, context: CallContext): Promise<Row | undefined> =>
      gate.read(operation, context);
    return override(next, {
      create: write,
      update: write,
      delete: write,
      ...(journal.settings.readYourWrites ? { read } : {}),
    });
  };
}

/** Where each call is let through, stored or refused. */
class Gate {
  readonly #parts: LayerParts;
  readonly #next: Execute;
  readonly #host: LayerHost;
  #wasConnected: boolean;

  constructor(parts: LayerParts, next: Execute, host: LayerHost) {
    this.#parts = parts;
    this.#next = next;
    this.#host = host;
    this.#wasConnected = host.driver.state.name === "connected";
    host.driver.onStateChange(({ name }) => {
      if (name === "connected") this.#wasConnected = true;
    });
  }

  write(operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
    const { driver } = this.#host;
    const ledger = driver.capabilities.idempotentWrites;
    // Refused below: a ledger that is asked for and not there cannot be made up for by a queue.
    if (context.ledger && !ledger) return this.#next(operation, context);
    const before = this.#laneBefore(operation, context);
    if (!canBeStored(operation)) {
      return before === undefined ? this.#next(operation, context) : this.#writeAfter(before, operation, context);
    }
    if (before !== undefined) return this.#writeBehind(before, operation, context);
    // Of several attempts below, an earlier one may have been applied than the one whose error is told.
    const wasSent = ledger && driver.state.name === "connected";
    return this.#next(operation, context.with({ ledger, whenAway: "fail" })).then(undefined, (error: unknown) =>
      this.#afterFailure(operation, context, error, ledger, wasSent),
    );
  }

  read(operation: OperationOf<"read">, context: CallContext): Promise<Row | undefined> {
    const { journal } = this.#parts;
    const read = (): Promise<Row | undefined> => this.#next(operation, context);
    return journal.backlog.laneCount === 0
      ? read()
      : pendingView(journal, journal.laneHash(operation.id, context.scope), read);
  }

  /** The hash of the lane that a write has to stand in: with writes of its record, or with one of its own operation id. */
  #laneBefore({ id }: OperationOf<WriteKind>, context: CallContext): number | undefined {
    const { journal } = this.#parts;
    const { backlog } = journal;
    // Before anything of the context is read: its operation id is made when somebody first asks.
    if (backlog.laneCount === 0) return undefined;
    const { scope, operationId } = context;
    const lane = journal.laneHash(id, scope);
    if (backlog.findLane(lane) !== NONE) return lane;
    // A create without an id that comes again is the same write, though it names another record.
    const row = backlog.findOperation(journal.hashOf(operationId));
    return row === NONE ? undefined : backlog.laneHash(backlog.laneOf(row));
  }

  /** Earlier writes of the record wait, so this one does. */
  async #writeBehind(lane: number, operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
    if (!this.#isAccepting) {
      const { state } = this.#host.driver;
      const retryAfterMs =
        state.name === "failed" ? Math.max(1, Math.ceil(state.nextAttemptAt - performance.now())) : 1_000;
      const message = "the database is away, and earlier writes of this record wait for it";
      throw this.#parts.intake.refused(
        "unavailable",
        new DatabaseErrorOf("SERVICE_UNAVAILABLE", message, { retryAfterMs }),
      );
    }
    try {
      return await this.#store(operation, context, false);
    } catch (error) {
      // What cannot be written down has to wait for its turn.
      if (isDatabaseError(error) && WAITS.has(error.code) && !isOperationReused(error))
        return this.#writeAfter(lane, operation, context);
      throw error;
    }
  }

  async #writeAfter(lane: number, operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
    await this.#parts.turnstile.wait(lane, context.signal);
    return this.#next(operation, context);
  }

  async #afterFailure(
    operation: OperationOf<WriteKind>,
    context: CallContext,
    error: unknown,
    ledger: boolean,
    wasSent: boolean,
  ): Promise<WriteResult> {
    if (!isDatabaseError(error) || !this.#mayStore(operation, context, error, ledger)) throw error;
    if (!this.#isAccepting) {
      this.#parts.intake.refused("unavailable", error);
      throw error;
    }
    try {
      return await this.#store(operation, context, wasSent || error.effect === "unknown");
    } catch (fault) {
      if (!isDatabaseError(fault)) throw error;
      const isTelling = TELLING.has(fault.code) || isOperationReused(fault);
      throw fault.code === "DURABILITY_UNKNOWN" || (error.effect === "none" && isTelling) ? fault : error;
    }
  }

  async #store(operation: OperationOf<WriteKind>, context: CallContext, maybeApplied: boolean): Promise<WriteResult> {
    const { operationId, scope, fingerprint } = context;
    const signal = context.aborted ? undefined : context.signal;
    const { id } = await this.#parts.intake.put({ operation, scope, operationId, fingerprint, maybeApplied, signal });
    return { id, operationId, status: "queued" };
  }

  #mayStore(
    operation: OperationOf<WriteKind>,
    context: CallContext,
    { code, effect }: DatabaseError,
    ledger: boolean,
  ): boolean {
    if (code === "CANCELLED" || code === "CLOSED" || isCancelled(context) || isOver(context)) return false;
    if (effect === "unknown") return ledger || operation.kind === "create";
    return OUTAGE.has(code);
  }

  /** Past the driver's limit, and before the first connection, callers are told instead. */
  get #isAccepting(): boolean {
    const { state } = this.#host.driver;
    const { acceptWhileUnavailable } = this.#parts.journal.settings;
    switch (state.name) {
      case "connected":
        return true;
      case "failed":
        return acceptWhileUnavailable || performance.now() < state.unavailableAt;
      case "closed":
        return false;
      default:
        return this.#wasConnected || (acceptWhileUnavailable && state.name === "connecting");
    }
  }
}

/** Whoever gave up does not want his write later. */
function isCancelled({ aborted, signal }: CallContext): boolean {
  if (!aborted) return false;
  const reason: unknown = signal.reason;
  return !(isDatabaseError(reason) && reason.code === "QUERY_TIMEOUT");
}

/** Whoever has been answered goes on: what is stored now would be applied after what he writes next. */
function isOver({ aborted, deadline }: CallContext): boolean {
  // Once the deadline has passed, that of the grace stands in its place.
  return aborted && performance.now() >= deadline;
}
