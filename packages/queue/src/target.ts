import {
  type CallContext,
  type DatabaseError,
  type Execute,
  equalValues,
  type LayerHost,
  type OperationOf,
  runCall,
  type Scope,
  toDatabaseError,
  type WriteKind,
} from "@db/core";
import { judge, type Verdict } from "./verdict.ts";

/** One try to apply a write. */
export interface Try {
  readonly operation: OperationOf<WriteKind>;
  readonly scope: Scope | undefined;
  readonly operationId: string;
  readonly fingerprint: string | undefined;
  readonly attempt: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The database, as a replay sees it: what is below the queue's layer. */
export class Target {
  readonly #next: Execute;
  readonly #host: LayerHost;

  constructor(next: Execute, host: LayerHost) {
    this.#next = next;
    this.#host = host;
  }

  get isConnected(): boolean {
    return this.#host.driver.state.name === "connected";
  }

  /** Whether the driver knows what it has applied. */
  get hasLedger(): boolean {
    return this.#host.driver.capabilities.idempotentWrites;
  }

  onStateChange(listener: () => void): () => void {
    return this.#host.driver.onStateChange(listener);
  }

  async apply(given: Try): Promise<Verdict> {
    const { operation, ...limits } = given;
    const ledger = this.hasLedger;
    try {
      await this.#call({ ...limits, ledger }, "unknown", (context) => this.#next(operation, context));
      return { name: "applied", inLedger: ledger };
    } catch (thrown) {
      const verdict = judge(toDatabaseError(thrown, "unknown"), operation, given.operationId, ledger);
      return verdict.name === "compare" ? this.#compare(given, verdict.error) : verdict;
    }
  }

  /** A create that finds its own record was applied before. */
  async #compare({ operation, ...limits }: Try, error: DatabaseError): Promise<Verdict> {
    if (operation.kind !== "create") return { name: "dead", error };
    const { collection, id, data } = operation;
    try {
      const read = { kind: "read", collection, id } as const;
      const row = await this.#call({ ...limits, ledger: false }, "none", (context) => this.#next(read, context));
      return row !== undefined && equalValues(row, { ...data, id })
        ? { name: "applied", inLedger: false }
        : { name: "dead", error };
    } catch (thrown) {
      // Whatever ails the reading, it is not the write's fault.
      const fault = toDatabaseError(thrown, "none");
      const verdict = judge(fault, operation, limits.operationId, true);
      return { name: verdict.name === "away" ? "away" : "again", error: fault };
    }
  }

  #call<T>(
    { timeoutMs, signal, ...tried }: Omit<Try, "operation"> & { readonly ledger: boolean },
    lost: "none" | "unknown",
    work: (context: CallContext) => Promise<T>,
  ): Promise<T> {
    return runCall({ timeoutMs, signal, lost, ...tried, whenAway: "fail", origin: "replay" }, work);
  }
}
