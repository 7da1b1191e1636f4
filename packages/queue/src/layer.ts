import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  type ErrorCode,
  type Execute,
  isDatabaseError,
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
    const { journal } = this.#parts;
    const isBehind =
      journal.backlog.laneCount > 0 && journal.backlog.findLane(journal.laneHash(operation.id, context.scope)) !== NONE;
    if (!canBeStored(operation)) {
      return isBehind ? this.#writeAfter(operation, context) : this.#next(operation, context);
    }
    if (isBehind) return this.#writeBehind(operation, context);
    const { driver } = this.#host;
    const ledger = context.ledger || driver.capabilities.idempotentWrites;
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

  /** Earlier writes of the record wait, so this one does. */
  async #writeBehind(operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
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
      if (isDatabaseError(error) && (error.code === "VALIDATION_FAILED" || error.code === "PAYLOAD_TOO_LARGE"))
        return this.#writeAfter(operation, context);
      throw error;
    }
  }

  async #writeAfter(operation: OperationOf<WriteKind>, context: CallContext): Promise<WriteResult> {
    const { journal, turnstile } = this.#parts;
    await turnstile.wait(journal.laneHash(operation.id, context.scope), context.signal);
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
      if (fault.code === "DURABILITY_UNKNOWN" || (error.effect === "none" && TELLING.has(fault.code))) throw fault;
      throw error;
    }
  }

  async #store(operation: OperationOf<WriteKind>, context: CallContext, maybeApplied: boolean): Promise<WriteResult> {
    const { operationId, scope } = context;
    const signal = context.aborted ? undefined : context.signal;
    const { id } = await this.#parts.intake.put({ operation, scope, operationId, maybeApplied, signal });
    return { id, operationId, status: "queued" };
  }

  #mayStore(
    operation: OperationOf<WriteKind>,
    context: CallContext,
    { code, effect }: DatabaseError,
    ledger: boolean,
  ): boolean {
    if (code === "CANCELLED" || code === "CLOSED" || isCancelled(context)) return false;
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
