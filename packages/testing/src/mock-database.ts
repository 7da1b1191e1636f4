import {
  type CallContext,
  type Capabilities,
  type ConnectionState,
  checkKeys,
  type Driver,
  type DriverTransaction,
  type Handlers,
  isWrite,
  type LiveEvent,
  type LiveQuery,
  type OperationOf,
  type StatementKind,
  seen,
  type TransactionOptions,
  unsupported,
  type WriteKind,
} from "@db/core";
import type { MockCall } from "./call-log.ts";
import { LiveFeed } from "./live-feed.ts";
import { type GoAwayOptions, MockCalls } from "./mock-calls.ts";
import { checkMockOptions, checkMs, type MockDatabaseOptions, mockCapabilities } from "./mock-options.ts";
import { MockTransaction } from "./mock-transaction.ts";
import type { Failure, ScriptOptions } from "./script.ts";
import { countRecords, findRecords, readRecord, writeRecord } from "./statements.ts";
import { Store, type View } from "./store.ts";
import { TransactionView } from "./transaction-view.ts";

/**
 * A database in memory with the whole semantics of the contract, and a script: what fails, hangs, is late, goes away.
 * Unscripted it is a plain in-memory database. Transactions have snapshot isolation, the first committer wins.
 */
export class MockDatabase implements Driver {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly statements: Handlers<StatementKind>;
  readonly #options: MockDatabaseOptions;
  readonly #calls: MockCalls;
  readonly #stores = new Map<string, Store>();
  readonly #feed = new LiveFeed();

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: MockDatabaseOptions = {}) {
    checkMockOptions(options);
    this.#options = options;
    this.name = options.name ?? "mock";
    this.capabilities = mockCapabilities(options);
    this.#calls = new MockCalls(options.maxCalls ?? 10_000);
    this.latencyMs = options.latencyMs ?? 0;
    this.statements = this.#statementsOn(
      (context) => this.#storeOf(context),
      () => {},
    );
  }

  // The script.

  /** The next call fails. With `when: "after"` it is carried out first and a write's error tells `effect: "unknown"`. */
  failNext(failure: Failure, options: ScriptOptions = {}): () => void {
    return this.#calls.script.add({ act: "fail", failure }, options);
  }

  /** The next call takes `ms` longer. A signal ends the wait; a call that has not been carried out then never will be. */
  delayNext(ms: number, options: ScriptOptions = {}): () => void {
    return this.#calls.script.add({ act: "delay", ms: checkMs("ms", ms) }, options);
  }

  /** The next call never answers until its signal fires; a write then tells `effect: "unknown"`. */
  hang(options: ScriptOptions = {}): () => void {
    return this.#calls.script.add({ act: "hang" }, options);
  }

  /** How long every call takes before it is carried out, in milliseconds, 0 or more. */
  get latencyMs(): number {
    return this.#calls.latencyMs;
  }
  set latencyMs(ms: number) {
    this.#calls.latencyMs = checkMs("latencyMs", ms);
  }

  /** From now on no wait heeds a signal, and what the caller has given up is carried out: only core's grace ends a call. */
  ignoreSignals(ignore = true): void {
    this.#calls.ignoreSignals(ignore);
  }

  /**
   * The database is gone: the state is `failed`, calls that wait for an answer reject with CONNECTION_FAILED, open
   * transactions are lost, live queries have a gap. New calls wait for `comeBack`, or reject at once where the context says
   * `whenAway: "fail"`. Before `connect()` it makes that wait.
   */
  goAway(options: GoAwayOptions = {}): void {
    checkKeys("goAway", options, ["error", "unavailableAfterMs", "retryAfterMs"]);
    checkMs("retryAfterMs", options.retryAfterMs ?? 0);
    checkMs("unavailableAfterMs", options.unavailableAfterMs ?? 0);
    this.#calls.goAway(options);
  }

  /** The database is there again; calls that waited for it go on. */
  comeBack(): void {
    if (this.state.name === "failed") this.#feed.gap();
    this.#calls.comeBack();
  }

  /** The last calls, oldest first: `maxCalls` of them. */
  get calls(): readonly MockCall[] {
    return this.#calls.log.calls;
  }

  clearCalls(): void {
    this.#calls.log.clear();
  }

  // The driver.

  get state(): ConnectionState {
    return this.#calls.status.state;
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    return this.#calls.status.onStateChange(listener);
  }

  connect(context: CallContext): Promise<void> {
    return this.#calls.connect(context);
  }

  async disconnect(context: CallContext): Promise<void> {
    this.#calls.close();
    this.#feed.end();
    await this.#calls.run({ kind: "disconnect", context, lost: "none", perform: () => {} });
  }

  ping(context: CallContext): Promise<void> {
    return this.#calls.run({ kind: "ping", context, lost: "none", perform: () => {} });
  }

  version(context: CallContext): Promise<string> {
    const perform = (): string => this.#options.version ?? "mock-1.0.0";
    return this.#calls.run({ kind: "version", context, lost: "none", perform });
  }

  begin(_options: TransactionOptions, context: CallContext): Promise<DriverTransaction> {
    const perform = (): DriverTransaction => {
      if (!this.capabilities.transactions) throw unsupported(`a transaction on ${this.name}`);
      const view = new TransactionView(this.#storeOf(context));
      return new MockTransaction(this.#calls, view, (own, check) => this.#statementsOn(() => own, check));
    };
    return this.#calls.run({ kind: "begin", context, lost: "none", perform });
  }

  wasApplied(operationId: string, context: CallContext): Promise<boolean> {
    const perform = (): boolean => {
      this.#needLedger();
      return this.#storeOf(context).applied(operationId) !== undefined;
    };
    return this.#calls.run({ kind: "wasApplied", context, lost: "none", perform });
  }

  live(query: LiveQuery, context: CallContext): AsyncIterable<LiveEvent> {
    if (!this.capabilities.liveQueries) throw unsupported(`a live query on ${this.name}`);
    return this.#feed.subscribe(this.#storeOf(context), query, context);
  }

  /** @param check runs when a statement is about to be carried out, and throws where it must not be */
  #statementsOn(viewOf: (context: CallContext) => View, check: () => void): Handlers<StatementKind> {
    const on =
      <K extends StatementKind, T>(perform: (view: View, operation: OperationOf<K>, context: CallContext) => T) =>
      (operation: OperationOf<K>, context: CallContext): Promise<Awaited<T>> => {
        const any = seen(operation) as OperationOf<StatementKind>;
        return this.#calls.run({
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
    const write = on((view, operation: OperationOf<WriteKind>, { operationId, ledger, fingerprint }) => {
      if (ledger) this.#needLedger();
      return writeRecord(view, operation, { operationId, ledger, fingerprint });
    });
    return {
      create: write,
      update: write,
      delete: write,
      read: on(readRecord),
      find: on(findRecords),
      count: on(countRecords),
      query: on((_view, { text, params, access }: OperationOf<"query">) => {
        const { onQuery } = this.#options;
        if (onQuery === undefined || !this.capabilities.queryLanguage) throw unsupported(`query on ${this.name}`);
        return onQuery(text, params, access);
      }),
    };
  }

  #needLedger(): void {
    if (!this.capabilities.idempotentWrites) throw unsupported(`a ledger on ${this.name}`);
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
