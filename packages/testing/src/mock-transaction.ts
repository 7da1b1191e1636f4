import { type CallContext, DatabaseErrorOf, type DriverTransaction, type Handlers, type StatementKind } from "@db/core";
import type { TransactionView } from "./transaction-view.ts";

/** How `MockDatabase` carries out a transaction's calls. */
export interface TransactionHost {
  /** The handlers on a view; `check` runs when a call is about to be carried out. */
  statementsOn(view: TransactionView, check: () => void): Handlers<StatementKind>;
  run(kind: "commit" | "rollback", context: CallContext, perform: () => void): Promise<void>;
  /** Counts connections: a transaction does not outlive the one it began on. */
  readonly connection: number;
}

export class MockTransaction implements DriverTransaction {
  readonly statements: Handlers<StatementKind>;
  readonly #host: TransactionHost;
  readonly #view: TransactionView;
  readonly #connection: number;
  #ended = false;

  constructor(host: TransactionHost, view: TransactionView) {
    this.#host = host;
    this.#view = view;
    this.#connection = host.connection;
    this.statements = host.statementsOn(view, () => this.#check());
  }

  commit(context: CallContext): Promise<void> {
    return this.#host.run("commit", context, () => {
      this.#check();
      this.#ended = true;
      this.#view.commit();
    });
  }

  async rollback(context: CallContext): Promise<void> {
    this.#ended = true;
    await this.#host.run("rollback", context, () => {});
  }

  #check(): void {
    if (this.#ended) throw new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
    if (this.#connection !== this.#host.connection) {
      throw new DatabaseErrorOf("CONNECTION_FAILED", "the transaction was lost with its connection", {});
    }
  }
}
