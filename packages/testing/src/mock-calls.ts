import {
  type CallContext,
  type ConnectionState,
  ConnectionStatus,
  type DatabaseError,
  DatabaseErrorOf,
  type Effect,
  interrupted,
  isDatabaseError,
  type OperationOf,
  type StatementKind,
  withEffect,
} from "@db/core";
import { CallLog, type MockCallKind } from "./call-log.ts";
import { type Plan, Script } from "./script.ts";
import { Waits } from "./waits.ts";

/** How a mock is away. */
export interface GoAwayOptions {
  /** Why; what calls get as cause. Default CONNECTION_FAILED. */
  readonly error?: DatabaseError;
  /** From then on calls fail with SERVICE_UNAVAILABLE instead of waiting, in milliseconds. Default 30,000. */
  readonly unavailableAfterMs?: number;
  /** When the next dial is said to be due, in milliseconds. Default 1,000; nothing dials: see `comeBack`. */
  readonly retryAfterMs?: number;
}

/** One call on its way. */
export interface Step<T> {
  readonly kind: MockCallKind;
  readonly operation?: OperationOf<StatementKind>;
  readonly context: CallContext;
  /** What an answer that never comes leaves open. */
  readonly lost: Effect;
  /** In one go, so that nothing comes between its reads and its writes. */
  readonly perform: () => T;
}

/** The way of every call: recorded, held up while the database is away, scripted before and after it is carried out. */
export class MockCalls {
  readonly status: ConnectionStatus = new ConnectionStatus();
  readonly script: Script = new Script();
  readonly log: CallLog;
  latencyMs = 0;
  readonly #waits = new Waits();
  #away: DatabaseError | undefined;
  #connection = 0;

  constructor(maxCalls: number) {
    this.log = new CallLog(maxCalls);
  }

  /** Counts connections: a transaction does not outlive the one it began on. */
  get connection(): number {
    return this.#connection;
  }

  ignoreSignals(ignore: boolean): void {
    this.#waits.ignoreSignals = ignore;
  }

  goAway({ error = gone(), unavailableAfterMs = 30_000, retryAfterMs = 1_000 }: GoAwayOptions): void {
    this.#away = error;
    this.#connection += 1;
    const { name } = this.status.state;
    if (name === "connected" || name === "failed") {
      const since = performance.now();
      const [nextAttemptAt, unavailableAt] = [since + retryAfterMs, since + unavailableAfterMs];
      this.status.set({ name: "failed", since, error, nextAttemptAt, unavailableAt });
    }
    this.#waits.end("answer", lostConnection(error));
  }

  comeBack(): void {
    this.#away = undefined;
    if (this.status.state.name === "failed") this.status.set({ name: "connected", since: performance.now() });
    this.#waits.end("connection");
  }

  /** Ends all that waits. */
  close(): void {
    const error = closed();
    this.status.set({ name: "closed" });
    this.#connection += 1;
    this.#waits.end("answer", error);
    this.#waits.end("connection", error);
  }

  async connect(context: CallContext): Promise<void> {
    if (this.status.state.name === "closed") throw closed();
    this.#setState("connecting");
    try {
      await this.run({ kind: "connect", context, lost: "none", perform: () => {} });
    } catch (error) {
      this.status.set({ name: "disconnected" });
      throw error;
    }
    this.#setState("connected");
  }

  async run<T>({ kind, operation, context, lost, perform }: Step<T>): Promise<Awaited<T>> {
    const { call, ending } = this.log.add(kind, operation, context);
    const plans = this.script.take(call);
    try {
      await this.#reach(kind, context);
      if (this.latencyMs > 0) await this.#waits.wait("answer", { context, effect: "none", ms: this.latencyMs });
      if (plans !== undefined) await this.#follow(plans.before, context, lost, "none");
      // What has an effect is not begun once the signal has fired; only a hostile driver gets here then.
      if (context.aborted && !this.#waits.ignoreSignals) throw interrupted(context, "none");
      const result = await perform();
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
    const { name }: ConnectionState = this.status.state;
    if (name === "closed") throw closed();
    if (kind !== "connect" && (name === "disconnected" || name === "connecting")) {
      throw new DatabaseErrorOf("NOT_CONNECTED", "connect() has not been called", {});
    }
    while (this.#away !== undefined) {
      if (context.whenAway === "fail") throw lostConnection(this.#away);
      await this.#waits.wait("connection", { context, effect: "none" });
    }
  }

  #setState(name: "connecting" | "connected"): void {
    this.status.set({ name, since: performance.now() });
  }
}

function gone(): DatabaseError {
  return new DatabaseErrorOf("CONNECTION_FAILED", "the database has gone away", {});
}

function closed(): DatabaseError {
  return new DatabaseErrorOf("CLOSED", "the database is closed", {});
}

function lostConnection(cause: DatabaseError): DatabaseError {
  return new DatabaseErrorOf("CONNECTION_FAILED", `the connection is down (${cause.code})`, {}, { cause });
}
