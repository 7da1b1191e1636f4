import {
  type CallContext,
  type Capabilities,
  type ConnectionState,
  ConnectionStatus,
  type DatabaseError,
  DatabaseErrorOf,
  type Driver,
  type DriverTransaction,
  type Effect,
  type Handlers,
  interrupted,
  isDatabaseError,
  isWrite,
  type OperationOf,
  type StatementKind,
  seen,
  type TransactionOptions,
  unsupported,
  withEffect,
} from "@db/core";
import { CallLog, type MockCall, type MockCallKind } from "./call-log.ts";
import { type LiveEvent, LiveFeed } from "./live-feed.ts";
import { checkMockOptions, checkMs, type MockDatabaseOptions, mockCapabilities } from "./mock-options.ts";
import { MockTransaction } from "./mock-transaction.ts";
import { type Failure, type Plan, Script, type ScriptOptions } from "./script.ts";
import { countRecords, findRecords, readRecord, writeRecord } from "./statements.ts";
import { Store, type View } from "./store.ts";
import { TransactionView } from "./transaction-view.ts";
import { Waits } from "./waits.ts";

export interface GoAwayOptions {
  /** Why; what calls get as cause. Default CONNECTION_FAILED. */
  readonly error?: DatabaseError;
  /** From then on calls fail with SERVICE_UNAVAILABLE instead of waiting. Default 30,000. */
  readonly unavailableAfterMs?: number;
  /** When the next dial is said to be due. Default 1,000; nothing dials: see `comeBack`. */
  readonly retryAfterMs?: number;
}

/** One call on its way: what `run` is told of it. */
interface Step<T> {
  readonly kind: MockCallKind;
  readonly operation?: OperationOf<StatementKind>;
  readonly context: CallContext;
  /** What an answer that never comes leaves open. */
  readonly lost: Effect;
  /** In one go, so that nothing comes between its reads and its writes. */
  readonly perform: () => T;
}

/**
 * A database in memory with the whole semantics of the contract, and a script: what fails, hangs, is late, goes away.
 * Unscripted it is a plain in-memory database. Transactions have snapshot isolation, the first committer wins.
 */
export class MockDatabase implements Driver {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly statements: Handlers<StatementKind>;
  readonly #options: MockDatabaseOptions;
  readonly #status = new ConnectionStatus();
  readonly #stores = new Map<string, Store>();
  readonly #feed = new LiveFeed();
  readonly #script = new Script();
  readonly #waits = new Waits();
  readonly #log: CallLog;
  #latencyMs: number;
  #away: GoAwayOptions | undefined;
  #connection = 0;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: MockDatabaseOptions = {}) {
    checkMockOptions(options);
    this.#options = options;
    this.name = options.name ?? "mock";
    this.capabilities = mockCapabilities(options);
    this.#latencyMs = checkMs("latencyMs", options.latencyMs ?? 0);
    this.#log = new CallLog(options.maxCalls ?? 10_000);
    this.statements = this.#statementsOn(
      (context) => this.#storeOf(context),
      () => {},
    );
  }

  get state(): ConnectionState {
    return this.#status.state;
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    return this.#status.onStateChange(listener);
  }

  // The script.

  /** The next call fails. With `when: "after"` it is carried out first and a write's error tells `effect: "unknown"`. */
  failNext(failure: Failure, options: ScriptOptions = {}): () => void {
    return this.#script.add({ act: "fail", failure }, options);
  }

  /** The next call takes `ms` longer. A signal ends the wait; before the call is carried out it then never will be. */
  delayNext(ms: number, options: ScriptOptions = {}): () => void {
    return this.#script.add({ act: "delay", ms: checkMs("ms", ms) }, options);
  }

  /** The next call never answers until its signal fires; a write then tells `effect: "unknown"`. */
  hang(options: ScriptOptions = {}): () => void {
    return this.#script.add({ act: "hang" }, options);
  }

  /** How long every call takes before it is carried out, in milliseconds. */
  get latencyMs(): number {
    return this.#latencyMs;
  }
  set latencyMs(ms: number) {
    this.#latencyMs = checkMs("latencyMs", ms);
  }

  /** From now on no wait heeds a signal: only core's grace ends such a call. */
  ignoreSignals(ignore = true): void {
    this.#waits.ignoreSignals = ignore;
  }

  /**
   * The database is gone: the state is `failed`, calls that wait for an answer reject with CONNECTION_FAILED, open
   * transactions are lost. New calls wait for `comeBack`, or reject at once where the context says `whenAway: "fail"`.
   * Before `connect()` it makes that wait.
   */
  goAway(options: GoAwayOptions = {}): void {
    this.#away = options;
    this.#connection += 1;
    const { unavailableAfterMs = 30_000, retryAfterMs = 1_000 } = options;
    const error = this.#reason();
    if (this.state.name === "connected" || this.state.name === "failed") {
      const now = performance.now();
      this.#status.set({
        name: "failed",
        since: now,
        error,
        nextAttemptAt: now + checkMs("retryAfterMs", retryAfterMs),
        unavailableAt: now + checkMs("unavailableAfterMs", unavailableAfterMs),
      });
    }
    this.#feed.fail(error);
    this.#waits.end("answer", lostConnection(error));
  }

  /** The database is there again; calls that waited for it go on. */
  comeBack(): void {
    this.#away = undefined;
    if (this.state.name === "failed") this.#status.set({ name: "connected", since: performance.now() });
    this.#waits.end("connection");
  }

  /** The last calls, oldest first: `maxCalls` of them. */
  get calls(): readonly MockCall[] {
    return this.#log.calls;
  }

  clearCalls(): void {
    this.#log.clear();
  }

  // The driver.

  begin(_options: TransactionOptions, context: CallContext): Promise<DriverTransaction> {
    return this.#run({
      kind: "begin",
      context,
      lost: "none",
      perform: () => {
        if (!this.capabilities.transactions) throw unsupported(`a transaction on ${this.name}`);
        const view = new TransactionView(this.#storeOf(context));
        const connection = (): number => this.#connection;
        return new MockTransaction(
          {
            get connection() {
              return connection();
            },
            statementsOn: (own, check) => this.#statementsOn(() => own, check),
            run: (kind, inner, perform) =>
              this.#run({ kind, context: inner, lost: kind === "commit" ? "unknown" : "none", perform }),
          },
          view,
        );
      },
    });
  }

  wasApplied(operationId: string, context: CallContext): Promise<boolean> {
    return this.#run({
      kind: "wasApplied",
      context,
      lost: "none",
      perform: () => {
        if (!this.capabilities.idempotentWrites) throw unsupported(`a ledger on ${this.name}`);
        return this.#storeOf(context).applied(operationId) !== undefined;
      },
    });
  }

  live(collection: string, context: CallContext): AsyncIterable<LiveEvent> {
    if (!this.capabilities.liveQueries) throw unsupported(`a live query on ${this.name}`);
    return this.#feed.subscribe(this.#storeOf(context), collection, context);
  }

  ping(context: CallContext): Promise<void> {
    return this.#run({ kind: "ping", context, lost: "none", perform: () => {} });
  }

  version(context: CallContext): Promise<string> {
    const version = this.#options.version ?? "mock-1.0.0";
    return this.#run({ kind: "version", context, lost: "none", perform: () => version });
  }

  async connect(context: CallContext): Promise<void> {
    if (this.state.name === "closed") throw closed();
    this.#status.set({ name: "connecting", since: performance.now() });
    try {
      await this.#run({ kind: "connect", context, lost: "none", perform: () => {} });
    } catch (error) {
      this.#status.set({ name: "disconnected" });
      throw error;
    }
    this.#status.set({ name: "connected", since: performance.now() });
  }

  async disconnect(context: CallContext): Promise<void> {
    this.#status.set({ name: "closed" });
    this.#connection += 1;
    this.#feed.fail(closed());
    this.#waits.end("answer", closed());
    this.#waits.end("connection", closed());
    await this.#run({ kind: "disconnect", context, lost: "none", perform: () => {} });
  }

  #statementsOn(viewOf: (context: CallContext) => View, check: () => void): Handlers<StatementKind> {
    const on =
      <K extends StatementKind, T>(perform: (view: View, operation: OperationOf<K>, context: CallContext) => T) =>
      async (operation: OperationOf<K>, context: CallContext): Promise<Awaited<T>> => {
        const any = seen(operation) as OperationOf<StatementKind>;
        return await this.#run({
          kind: operation.kind,
          operation: any,
          context,
          // A statement of a transaction that is lost is undone with it.
          lost: !context.inTransaction && isWrite(any) ? "unknown" : "none",
          perform: () => {
            check();
            return perform(viewOf(context), operation, context);
          },
        });
      };
    const write = <K extends "create" | "update" | "delete">() =>
      on((view, operation: OperationOf<K>, { operationId, ledger }) => {
        if (ledger && !this.capabilities.idempotentWrites) throw unsupported(`a ledger on ${this.name}`);
        return writeRecord(view, operation as OperationOf<"create" | "update" | "delete">, { operationId, ledger });
      });
    return {
      create: write<"create">(),
      update: write<"update">(),
      delete: write<"delete">(),
      read: on(readRecord),
      find: on(findRecords),
      count: on(countRecords),
      query: on((_view, { text, params, access }) => {
        const { onQuery } = this.#options;
        if (onQuery === undefined || !this.capabilities.queryLanguage) throw unsupported(`query on ${this.name}`);
        return onQuery(text, params, access);
      }),
    };
  }

  /** Every call: recorded, held up while the database is away, scripted before and after it is carried out. */
  async #run<T>(step: Step<T>): Promise<Awaited<T>> {
    const { kind, operation, context, lost } = step;
    const { call, ending } = this.#log.add(kind, operation, context);
    const plans = this.#script.take(call);
    try {
      await this.#reach(kind, context);
      if (this.#latencyMs > 0) await this.#waits.wait("answer", { context, effect: "none", ms: this.#latencyMs });
      if (plans !== undefined) await this.#follow(plans.before, context, lost, "none");
      // What has an effect is not begun once the signal has fired; only a hostile driver gets here then.
      if (context.aborted && !this.#waits.ignoreSignals) throw interrupted(context, "none");
      const result = await step.perform();
      if (plans !== undefined) await this.#follow(plans.after, context, lost, lost);
      ending.done();
      return result;
    } catch (error) {
      ending.failed(error);
      throw error;
    }
  }

  async #follow(plan: Plan, context: CallContext, lost: Effect, late: Effect): Promise<void> {
    if (plan.delayMs > 0) await this.#waits.wait("answer", { context, effect: late, ms: plan.delayMs });
    if (plan.hang) await this.#waits.wait("answer", { context, effect: lost });
    if (plan.error === undefined) return;
    throw late === "unknown" && isDatabaseError(plan.error) ? withEffect(plan.error, "unknown") : plan.error;
  }

  async #reach(kind: MockCallKind, context: CallContext): Promise<void> {
    if (kind === "disconnect" || kind === "rollback") return;
    if (this.state.name === "closed") throw closed();
    if (kind !== "connect" && (this.state.name === "disconnected" || this.state.name === "connecting")) {
      throw new DatabaseErrorOf("NOT_CONNECTED", "connect() has not been called", {});
    }
    while (this.#away !== undefined) {
      if (context.whenAway === "fail") throw lostConnection(this.#reason());
      await this.#waits.wait("connection", { context, effect: "none" });
    }
  }

  #reason(): DatabaseError {
    return this.#away?.error ?? new DatabaseErrorOf("CONNECTION_FAILED", "the database has gone away", {});
  }

  #storeOf({ scope }: CallContext): Store {
    if (scope !== undefined && !this.capabilities.scopes) throw unsupported(`a scope on ${this.name}`);
    const key = scope === undefined ? "" : JSON.stringify([scope.namespace, scope.database]);
    const found = this.#stores.get(key);
    if (found !== undefined) return found;
    const store: Store = new Store((change) => this.#feed.publish(store, change));
    this.#stores.set(key, store);
    return store;
  }
}

function closed(): DatabaseErrorOf<"CLOSED"> {
  return new DatabaseErrorOf("CLOSED", "the database is closed", {});
}

function lostConnection(cause: DatabaseError): DatabaseErrorOf<"CONNECTION_FAILED"> {
  return new DatabaseErrorOf("CONNECTION_FAILED", `the connection is down (${cause.code})`, {}, { cause });
}
