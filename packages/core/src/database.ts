import { checkCallOptions } from "./build.ts";
import { Call, type CallLimits } from "./call.ts";
import { isTraced, type OperationEvent, publishState, traceOperation } from "./channels.ts";
import { type CallContext, Context, type ContextChange, type Scope } from "./context.ts";
import { DeadlineTimer } from "./deadline.ts";
import type { ConnectionState, Driver } from "./driver.ts";
import { DatabaseErrorOf, type Effect, invalid, toDatabaseError, unsupported } from "./errors.ts";
import { refusal } from "./gate.ts";
import { type DatabaseHealth, healthOf, reasonOf, retryAfterMs } from "./health.ts";
import { composeLayers, type Layer } from "./layer.ts";
import {
  type Execute,
  isWrite,
  type Kind,
  type OperationOf,
  type ResultOf,
  type StatementKind,
  seen,
} from "./operation.ts";
import { checkDuration, checkKeys, expected } from "./options.ts";
import type { CallOptions, DatabaseService, Statements, TransactionOptions, WriteOptions } from "./service.ts";
import { OperationBuilder } from "./statements.ts";
import { isInsideTransaction, refusalInside, runTransaction } from "./transaction.ts";
import { checkCollection, isPlainObject } from "./value.ts";

export interface DatabaseOptions {
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

const HEALTH_TIMEOUT_MS = 5_000;
const DRAIN_MS = 10_000;
const CLOSE_TIMEOUT_MS = 10_000;
const NONE = {};

type StatementOptions = CallOptions & Pick<WriteOptions, "operationId">;

/** What the unscoped service and its scoped views share: each call goes through `run` of the one `Database`. */
abstract class Calls extends OperationBuilder {
  protected abstract run<K extends Kind>(build: () => OperationOf<K>, options: StatementOptions): Promise<ResultOf<K>>;

  protected override start<K extends StatementKind>(
    build: () => OperationOf<K>,
    options: StatementOptions,
  ): Promise<ResultOf<K>> {
    return this.run(build, options);
  }

  async transaction<T>(
    work: (tx: Statements) => Promise<T>,
    options: CallOptions & TransactionOptions = NONE,
  ): Promise<T> {
    let result: { readonly value: T } | undefined;
    const build = (): OperationOf<"transaction"> => {
      if (typeof work !== "function") throw invalid(["work"], "type", "a function");
      checkCallOptions(options, ["signal", "timeoutMs", "maxAttempts"]);
      const { maxAttempts = 1 } = options;
      return {
        kind: "transaction",
        work: async (tx) => {
          result = { value: await work(tx) };
        },
        options: { maxAttempts },
      };
    };
    await this.run(build, options);
    if (result === undefined)
      throw new DatabaseErrorOf("INTERNAL", "a layer ended the transaction without running its work", {});
    return result.value;
  }
}

class Database extends Calls implements DatabaseService {
  readonly #driver: Driver;
  readonly #execute: Execute;
  readonly #timer = new DeadlineTimer();
  readonly #timeoutMs: number;
  readonly #startupMaxWaitMs: number;
  readonly #closers: ((signal: AbortSignal) => Promise<void>)[] = [];
  override readonly ownsValue: ((value: object) => boolean) | undefined;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
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
    this.ownsValue = driver.ownsValue === undefined ? undefined : (value) => driver.ownsValue?.(value) ?? false;
    this.#execute = composeLayers(layers, (operation, context) => this.#runOnDriver(operation, context), {
      driver,
      onClose: (close) => this.#closers.push(close),
    });
    let from = driver.state.name;
    driver.onStateChange((to) => {
      publishState({ driver: driver.name, from, to });
      from = to.name;
    });
  }

  get state(): ConnectionState {
    return this.#driver.state;
  }

  connect(options: CallOptions = NONE): Promise<void> {
    this.#connecting ??= this.#connect(options).catch((error: unknown) => {
      this.#connecting = undefined;
      throw error;
    });
    return this.#connecting;
  }

  disconnect(options: { readonly drainMs?: number } = NONE): Promise<void> {
    this.#closing ??= this.#disconnect(options.drainMs ?? DRAIN_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  async healthCheck(): Promise<DatabaseHealth> {
    const told = healthOf(this.state);
    if (told !== undefined) return told;
    const start = performance.now();
    try {
      await this.#call({ timeoutMs: HEALTH_TIMEOUT_MS }, "none", (context) => this.#driver.ping(context));
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

  version(options: CallOptions = NONE): Promise<string> {
    return this.#onDriver(options, (driver, context) => driver.version(context));
  }

  wasApplied(operationId: string, options: CallOptions = NONE): Promise<boolean> {
    return this.#onDriver(options, (driver, context) => {
      checkCallOptions({ operationId }, ["operationId"]);
      if (driver.wasApplied === undefined || !driver.capabilities.idempotentWrites)
        throw unsupported(`a ledger on ${driver.name}`);
      return driver.wasApplied(operationId, context);
    });
  }

  async *live(collection: string, options: Pick<CallOptions, "signal"> = NONE): AsyncGenerator<unknown> {
    checkCallOptions(options, ["signal"]);
    checkCollection(collection);
    const driver = this.#driver;
    if (driver.live === undefined || !driver.capabilities.liveQueries)
      throw unsupported(`a live query on ${driver.name}`);
    this.#refuseWhenClosing();
    // A subscription has no deadline; it ends with the caller's signal or the service.
    const ended = new AbortController();
    this.#closers.push(async () => ended.abort(closed()));
    const signal = options.signal === undefined ? ended.signal : AbortSignal.any([ended.signal, options.signal]);
    const call = new Call(this.#timer, { timeoutMs: this.#timeoutMs, signal, lost: "none" }, undefined);
    yield* driver.live(collection, new Context(call, { signal }));
  }

  withScope(scope: Scope): Statements & Pick<DatabaseService, "transaction"> {
    if (!isPlainObject(scope) || typeof scope.namespace !== "string" || typeof scope.database !== "string") {
      throw expected("scope", "{ namespace, database } of strings", scope);
    }
    return new Scoped(this, { scope: { namespace: scope.namespace, database: scope.database } });
  }

  protected override run<K extends Kind>(build: () => OperationOf<K>, options: StatementOptions): Promise<ResultOf<K>> {
    return this.runWith(build, options, NONE);
  }

  /** The path of every operation from the caller into the layers. */
  runWith<K extends Kind>(
    build: () => OperationOf<K>,
    options: StatementOptions,
    facts: ContextChange,
  ): Promise<ResultOf<K>> {
    try {
      this.#refuseWhenClosing();
      const operation = build();
      if (isInsideTransaction(this)) {
        const refused = refusalInside(seen(operation));
        if (refused !== undefined) throw refused;
      }
      const effect: Effect = isWrite(seen(operation)) ? "unknown" : "none";
      const work = (context: CallContext): Promise<ResultOf<K>> => this.#execute(operation, context);
      const traced = isTraced()
        ? (context: CallContext) => traceOperation(this.#eventOf(seen(operation), context), () => work(context))
        : work;
      // The error of a transaction's own work goes back as it is.
      const mapError = operation.kind === "transaction" ? undefined : effect === "none" ? asHarmless : asUnknown;
      return this.#call(options, effect, traced, facts, mapError);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #runOnDriver<K extends Kind>(operation: OperationOf<K>, context: CallContext): Promise<ResultOf<K>> {
    const refused = refusal(this.#driver, context);
    if (refused !== undefined) return Promise.reject(refused);
    const any = seen(operation);
    if (any.kind === "transaction") return runTransaction(this, this.#driver, any, context) as Promise<ResultOf<K>>;
    const run = this.#driver.statements[operation.kind as StatementKind] as Execute<K>;
    return run(operation, context);
  }

  #onDriver<T>(options: CallOptions, ask: (driver: Driver, context: CallContext) => Promise<T>): Promise<T> {
    const work = async (context: CallContext): Promise<T> => {
      const refused = refusal(this.#driver, context);
      if (refused !== undefined) throw refused;
      return ask(this.#driver, context);
    };
    try {
      this.#refuseWhenClosing();
      checkCallOptions(options, ["signal", "timeoutMs"]);
      return this.#call(options, "none", work, NONE, asHarmless);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #call<T>(
    options: StatementOptions,
    lost: Effect,
    work: (context: CallContext) => Promise<T>,
    facts: ContextChange = NONE,
    mapError?: (thrown: unknown) => unknown,
  ): Promise<T> {
    const limits: CallLimits = {
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
      signal: options.signal,
      lost,
      onEnd: this.#onEnd,
    };
    const call = new Call(this.#timer, limits, options.operationId);
    this.#inFlight += 1;
    return call.run(() => work(new Context(call, facts)), mapError);
  }

  readonly #onEnd = (): void => {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) this.#onIdle?.();
  };

  async #connect(options: CallOptions): Promise<void> {
    this.#refuseWhenClosing();
    checkCallOptions(options, ["signal", "timeoutMs"]);
    const limits = { timeoutMs: this.#startupMaxWaitMs, ...options };
    await this.#call(limits, "none", (context) => this.#driver.connect(context), NONE, asHarmless);
  }

  async #disconnect(drainMs: number): Promise<void> {
    if (drainMs > 0) await this.#drain(drainMs);
    for (const entry of this.#timer.entries()) if (entry instanceof Call) entry.stop(closed());
    if (this.#inFlight > 0) await this.#drain(CLOSE_TIMEOUT_MS);
    const faults: unknown[] = [];
    for (const close of this.#closers) {
      await this.#call({ timeoutMs: CLOSE_TIMEOUT_MS }, "none", ({ signal }) => close(signal)).catch((fault: unknown) =>
        faults.push(fault),
      );
    }
    await this.#call({ timeoutMs: CLOSE_TIMEOUT_MS }, "none", (context) => this.#driver.disconnect(context)).catch(
      (fault: unknown) => faults.push(fault),
    );
    if (faults.length > 0) throw toDatabaseError(faults.length === 1 ? faults[0] : new AggregateError(faults), "none");
  }

  /** Resolves when nothing is under way, or at the deadline. */
  async #drain(drainMs: number): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, checkDuration("drainMs", drainMs));
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = undefined;
  }

  #refuseWhenClosing(): void {
    if (this.#closing !== undefined) throw closed();
  }

  #eventOf(operation: OperationOf<Kind>, context: CallContext): OperationEvent {
    return {
      driver: this.#driver.name,
      kind: operation.kind,
      collection: "collection" in operation ? operation.collection : undefined,
      operationId: context.operationId,
      text: operation.kind === "query" ? operation.text : undefined,
    };
  }
}

/** A view of a service for one tenant. */
class Scoped extends Calls {
  readonly #database: Database;
  readonly #facts: ContextChange;

  constructor(database: Database, facts: ContextChange) {
    super();
    this.#database = database;
    this.#facts = facts;
  }

  protected override get ownsValue(): ((value: object) => boolean) | undefined {
    return this.#database.ownsValue;
  }

  protected override run<K extends Kind>(build: () => OperationOf<K>, options: StatementOptions): Promise<ResultOf<K>> {
    return this.#database.runWith(build, options, this.#facts);
  }
}

function closed(): DatabaseErrorOf<"CLOSED"> {
  return new DatabaseErrorOf("CLOSED", "the database service is closed", {});
}

const asHarmless = (thrown: unknown): unknown => toDatabaseError(thrown, "none");
const asUnknown = (thrown: unknown): unknown => toDatabaseError(thrown, "unknown");
