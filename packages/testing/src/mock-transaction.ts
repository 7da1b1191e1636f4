import { type CallContext, DatabaseErrorOf, type DriverTransaction, type Handlers, type StatementKind } from "@db/core";
import type { MockCalls } from "./mock-calls.ts";
import type { TransactionView } from "./transaction-view.ts";

export class MockTransaction implements DriverTransaction {
  readonly statements: Handlers<StatementKind>;
  readonly #calls: MockCalls;
  readonly #view: TransactionView;
  readonly #connection: number;
  #ended = false;

  /** @param statementsOn makes the handlers; they run the check they are given before each statement */
  constructor(
    calls: MockCalls,
    view: TransactionView,
    statementsOn: (view: TransactionView, check: () => void) => Handlers<StatementKind>,
  ) {
    this.#calls = calls;
    this.#view = view;
    this.#connection = calls.connection;
    this.statements = statementsOn(view, () => this.#check());
  }

  commit(context: CallContext): Promise<void> {
    const perform = (): void => {
      this.#check();
      this.#ended = true;
      this.#view.commit();
    };
    return this.#calls.run({ kind: "commit", context, lost: "unknown", perform });
  }

  async rollback(context: CallContext): Promise<void> {
    this.#ended = true;
    await this.#calls.run({ kind: "rollback", context, lost: "none", perform: () => {} });
  }

  #check(): void {
    if (this.#ended) throw new DatabaseErrorOf("TRANSACTION_ROLLED_BACK", "the transaction has ended", {});
    if (this.#connection !== this.#calls.connection) {
      throw new DatabaseErrorOf("CONNECTION_FAILED", "the transaction was lost with its connection", {});
    }
  }
}
