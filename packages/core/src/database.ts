import { BoundedCall, GRACE_MS } from "./bounded-call.ts";
import { checkCallOptions } from "./build.ts";
import { Call } from "./call.ts";
import { Calls } from "./calls.ts";
import { isTraced, publishState, traceOperation } from "./channels.ts";
import { type CallContext, Context, type ContextChange, type Scope } from "./context.ts";
import { DeadlineTimer } from "./deadline.ts";
import type { ConnectionState, Driver } from "./driver.ts";
import {
  type DatabaseError,
  DatabaseErrorOf,
  type Effect,
  invalid,
  toDatabaseError,
  unsupported,
  withEffect,
} from "./errors.ts";
import { refusal } from "./gate.ts";
import { type DatabaseHealth, healthOf, reasonOf, retryAfterMs } from "./health.ts";
import { InFlight } from "./in-flight.ts";
import { composeLayers, type Layer } from "./layer.ts";
import { buildLive, type LiveEvent, type LiveOptions } from "./live.ts";
import { LiveView, registerLive } from "./live-databases.ts";
import { liveSteps } from "./live-steps.ts";
import {
  type Execute,
  isWrite,
  type Kind,
  type Operation,
  type OperationOf,
  type ResultOf,
  type StatementKind,
  seen,
} from "./operation.ts";
import { checkDuration, checkKeys, expected } from "./options.ts";
import { checkScope } from "./scope.ts";
import { Scoped, type ScopeHost } from "./scoped.ts";
import type { CallOptions, DatabaseService, ScopedService } from "./service.ts";
import { NO_OPTIONS, type StatementOptions } from "./statements.ts";
import { TracedOperation } from "./traced-operation.ts";
import { isInsideTransaction, isOwned, refusalInside, runTransaction, type TransactionHost } from "./transaction.ts";
import type { Owns } from "./value.ts";

/** What `createDatabase` takes. */
export interface DatabaseOptions {
  /** What talks to the database. It belongs to this service, which closes it. */
  readonly driver: Driver;
  /** The first is outermost. Default none. */
  readonly layers?: readonly Layer[];
  /** The deadline of every call that brings none, in milliseconds, 1..2147483647. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * The deadline of `connect()` in milliseconds. Default 600,000: at start a database may take its time, and the
   * driver ends earlier where waiting cannot help.
   */
  readonly startupMaxWaitMs?: number;
}

/**
 * Composes a service.
 * @throws TypeError for an option that is unknown or wrong
 */
export function createDatabase(options: DatabaseOptions): DatabaseService {
  return new Database(options);
}

/** With the grace of a ping that does not listen, at most the 5 s that are promised. */
const HEALTH_TIMEOUT_MS = 5_000 - GRACE_MS;
const DRAIN_MS = 10_000;
const CLOSE_TIMEOUT_MS = 10_000;
const VERSION_TIMEOUT_MS = 5_000;
const NO_FACTS: ContextChange = {};
/** A connection that is lost under a health check is the answer to it, not something to wait for. */
const WITHOUT_WAIT: ContextChange = { whenAway: "fail" };

class Database extends Calls implements DatabaseService, ScopeHost, TransactionHost {
  readonly #driver: Driver;
  readonly #execute: Execute;
  readonly #timer = new DeadlineTimer();
  readonly #timeoutMs: number;
  readonly #startupMaxWaitMs: number;
  readonly #closers: ((signal: AbortSignal) => Promise<void>)[] = [];
  readonly #subscriptions = new Set<AbortController>();
  readonly rollbacks = new Set<Promise<void>>();
  override readonly ownsValue: Owns;
  readonly #inFlight = new InFlight();
  /** The registry holds it weakly. */
  readonly #live: LiveView;
  readonly #unregister: () => void;
  #connecting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    super();
    checkKeys("createDatabase", options, ["driver", "layers", "timeoutMs", "startupMaxWaitMs"]);
    const { driver, layers = [], timeoutMs = 30_000, startupMaxWaitMs = 600_000 } = options;
    if (typeof driver?.statements !== "object") throw expected("driver", "a Driver", driver);
    if (!Array.isArray(layers) || !layers.every((layer) => typeof layer === "function")) {
      throw expected("layers", "an array of functions", layers);
    }
    this.#driver = driver;
    this.#timeoutMs = checkDuration("timeoutMs", timeoutMs);
    this.#startupMaxWaitMs = checkDuration("startupMaxWaitMs", startupMaxWaitMs);
    this.ownsValue = driver.ownsValue === undefined ? undefined : (value) => isOwned(driver, value);
    this.#execute = composeLayers(layers, (operation, context) => this.#runOnDriver(operation, context), {
      driver,
      // Layers are made from the inside out.
      onClose: (close) => this.#closers.unshift(close),
    });
    let from = driver.state.name;
    driver.onStateChange((to) => {
      publishState({ driver: driver.name, target: driver.target, from, to });
      from = to.name;
    });
    this.#live = new LiveView(driver, () => this.version({ timeoutMs: VERSION_TIMEOUT_MS }));
    this.#unregister = registerLive(this.#live);
  }

  get state(): ConnectionState {
    return this.#driver.state;
  }

  connect(options: CallOptions = NO_OPTIONS): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    this.#connecting ??= this.#connect(options).catch((error: unknown) => {
      this.#connecting = undefined;
      throw error;
    });
    return this.#connecting;
  }

  disconnect(options: { readonly drainMs?: number } = NO_OPTIONS): Promise<void> {
    let checked: typeof options;
    try {
      checked = checkCallOptions(options, ["drainMs"]);
    } catch (error) {
      return Promise.reject(error);
    }
    const { drainMs = DRAIN_MS } = checked;
    // Begins only once it is noted: what it stops may call back at once.
    this.#closing ??= Promise.resolve().then(() => this.#disconnect(drainMs));
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  async healthCheck(): Promise<DatabaseHealth> {
    const told = healthOf(this.state);
    if (told !== undefined) return told;
    if (this.#closing !== undefined) return { status: "unhealthy", reason: "closing" };
    const start = performance.now();
    try {
      await this.#bounded({ timeoutMs: HEALTH_TIMEOUT_MS }, WITHOUT_WAIT, (context) => this.#driver.ping(context));
      return { status: "healthy", responseTimeMs: performance.now() - start };
    } catch (error) {
      const { state } = this;
      return (
        healthOf(state) ?? {
          status: "degraded",
          reason: reasonOf(toDatabaseError(error, "none")),
          retryAfterMs: retryAfterMs(state),
        }
      );
    }
  }

  version(options: CallOptions = NO_OPTIONS): Promise<string> {
    return this.#ask(options, NO_FACTS, (driver, context) => driver.version(context));
  }

  wasApplied(operationId: string, options: CallOptions = NO_OPTIONS): Promise<boolean> {
    return this.wasAppliedWith(operationId, options, NO_FACTS);
  }

  wasAppliedWith(operationId: string, options: CallOptions, facts: ContextChange): Promise<boolean> {
    return this.#ask(options, facts, (driver, context) => {
      if (operationId === undefined) throw invalid(["operationId"], "operationId", "the id of an operation");
      checkCallOptions({ operationId }, ["operationId"]);
      if (driver.wasApplied === undefined || !driver.capabilities.idempotentWrites)
        throw unsupported(`a ledger on ${driver.name}`);
      return driver.wasApplied(operationId, context);
    });
  }

  live(collection: string, options: LiveOptions = NO_OPTIONS): AsyncGenerator<LiveEvent> {
    return this.liveWith(collection, options, NO_FACTS);
  }

  async *liveWith(collection: string, options: LiveOptions, facts: ContextChange): AsyncGenerator<LiveEvent> {
    const checked = checkCallOptions(options, ["signal", "timeoutMs", "where", "bufferSize"]);
    const { timeoutMs = this.#timeoutMs } = checked;
    const query = buildLive(collection, { ...checked, timeoutMs }, this.ownsValue);
    if (this.#closing !== undefined) throw closed();
    const driver = this.#driver;
    // A subscription has no deadline; it ends with the caller's signal or the service.
    const ended = new AbortController();
    const signal = checked.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, checked.signal]);
    const context = new Context(new Call(this.#timer, this.#timeoutMs, signal, undefined, "none"), {
      ...facts,
      signal,
    });
    // Before the capabilities, which some drivers know only once connected.
    const refused = refusal(driver, context);
    if (refused !== undefined) throw refused;
    const watch = driver.live?.bind(driver);
    if (watch === undefined || !driver.capabilities.liveQueries) throw unsupported(`a live query on ${driver.name}`);
    this.#subscriptions.add(ended);
    try {
      yield* liveSteps(() => watch(query, context), signal, timeoutMs);
    } finally {
      this.#subscriptions.delete(ended);
    }
  }

  withScope(scope: Scope): ScopedService {
    return new Scoped(this, { scope: checkScope(scope, this.ownsValue) });
  }

  protected override run<K extends Kind>(operation: OperationOf<K>, options: StatementOptions): Promise<ResultOf<K>> {
    return this.runWith(operation, options, NO_FACTS);
  }

  /** The path of every operation from the caller into the layers. */
  runWith<K extends Kind>(
    operation: OperationOf<K>,
    options: StatementOptions,
    facts: ContextChange,
  ): Promise<ResultOf<K>> {
    const refused = this.#refusal(seen(operation));
    if (refused !== undefined) return Promise.reject(refused);
    const lost = isWrite(seen(operation)) ? "unknown" : "none";
    const call = this.#newCall(options, lost);
    const context = new Context(call, withLedger(facts, options));
    const execute = (): Promise<ResultOf<K>> => this.#execute(operation, context);
    // The error of a transaction's own work goes back as it is.
    const mapError = operation.kind === "transaction" ? undefined : lost === "none" ? asHarmless : asUnknown;
    return isTraced()
      ? this.#traced(call, new TracedOperation(this.#driver, seen(operation), context), execute, mapError)
      : call.run(execute, mapError);
  }

  /** Around the bounded call, so that one that the driver never answers has an end for whoever watches, too. */
  #traced<T>(
    call: BoundedCall,
    event: TracedOperation,
    execute: () => Promise<T>,
    mapError: ((thrown: unknown) => unknown) | undefined,
  ): Promise<T> {
    return traceOperation(event, () => call.run(execute, mapError));
  }

  #refusal(operation: Operation): DatabaseError | undefined {
    if (this.#closing !== undefined) return closed();
    return isInsideTransaction(this) ? refusalInside(operation) : undefined;
  }

  #runOnDriver<K extends Kind>(operation: OperationOf<K>, context: CallContext): Promise<ResultOf<K>> {
    const refused = refusal(this.#driver, context);
    if (refused !== undefined) return Promise.reject(refused);
    const any = seen(operation);
    if (any.kind === "transaction") return runTransaction(this, this.#driver, any, context) as Promise<ResultOf<K>>;
    const run = this.#driver.statements[operation.kind as StatementKind] as Execute<K>;
    try {
      return run(operation, context);
    } catch (thrown) {
      // Layers get a rejection to see, log and retry like any other.
      return Promise.reject(thrown);
    }
  }

  /** For what is asked of the driver beside the operations. */
  async #ask<T>(
    options: CallOptions,
    facts: ContextChange,
    ask: (driver: Driver, context: CallContext) => Promise<T>,
  ): Promise<T> {
    if (this.#closing !== undefined) throw closed();
    const limits = checkCallOptions(options, ["signal", "timeoutMs"]);
    return this.#bounded(limits, facts, async (context) => {
      const refused = refusal(this.#driver, context);
      if (refused !== undefined) throw refused;
      return ask(this.#driver, context);
    });
  }

  /** Work without effect on data, in bounded time. */
  #bounded<T>(options: CallOptions, facts: ContextChange, work: (context: CallContext) => Promise<T>): Promise<T> {
    const call = this.#newCall(options, "none");
    return call.run(() => work(new Context(call, facts)), asHarmless);
  }

  #newCall(options: StatementOptions, lost: Effect): BoundedCall {
    const { timeoutMs = this.#timeoutMs, signal, operationId } = options;
    return new BoundedCall(this.#timer, timeoutMs, signal, operationId, lost, this.#inFlight);
  }

  async #connect(options: CallOptions): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    const { signal, timeoutMs = this.#startupMaxWaitMs } = checkCallOptions(options, ["signal", "timeoutMs"]);
    const limits = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
    await this.#bounded(limits, NO_FACTS, (context) => this.#driver.connect(context));
  }

  async #disconnect(drainMs: number): Promise<void> {
    this.#unregister();
    await this.#inFlight.drain(drainMs);
    for (const entry of this.#timer.entries()) if (entry instanceof Call) entry.stop(closed());
    for (const subscription of this.#subscriptions) subscription.abort(closed());
    await this.#inFlight.drain(CLOSE_TIMEOUT_MS);
    await Promise.all(this.rollbacks);
    const steps = [...this.#closers, (_: AbortSignal, context: CallContext) => this.#driver.disconnect(context)];
    const faults: unknown[] = [];
    for (const step of steps) {
      try {
        await this.#bounded({ timeoutMs: CLOSE_TIMEOUT_MS }, NO_FACTS, (context) => step(context.signal, context));
      } catch (fault) {
        faults.push(fault);
      }
    }
    if (faults.length > 0) throw toDatabaseError(faults.length === 1 ? faults[0] : new AggregateError(faults), "none");
  }
}

/** A fingerprint lies in the ledger, so it asks for a row there. */
function withLedger(facts: ContextChange, { fingerprint }: StatementOptions): ContextChange {
  return fingerprint === undefined ? facts : { ...facts, fingerprint, ledger: true };
}

function closed(): DatabaseErrorOf<"CLOSED"> {
  return new DatabaseErrorOf("CLOSED", "the database service is closed", {});
}

/** Whatever a driver says: what only reads has changed nothing. */
const asHarmless = (thrown: unknown): unknown => withEffect(toDatabaseError(thrown, "none"), "none");
const asUnknown = (thrown: unknown): unknown => toDatabaseError(thrown, "unknown");
