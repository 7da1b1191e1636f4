import { DatabaseSync } from "node:sqlite";
import { type CallContext, type DriverTransaction, interrupted, untilInterrupted } from "@db/core";
import { fromSqlite, type Phase } from "./sqlite-errors.ts";
import { Records, SCHEMA } from "./sqlite-records.ts";

/** Runs synchronous work on the records of one connection. */
export type OnRecords = <T>(context: CallContext, work: (records: Records) => T) => Promise<T>;

interface Transaction extends Omit<DriverTransaction, "statements"> {
  readonly within: OnRecords;
}

/** Two connections: one reads what is committed, the other writes, one transaction at a time, as SQLite does. */
export class SqliteFile {
  readonly #path: string;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #written: Records;
  readonly #committed: Records;
  #turn: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    const open = (options: { readonly readOnly?: boolean }) =>
      this.#classified("open", () => new DatabaseSync(path, options));
    this.#writer = open({});
    this.#classified("open", () =>
      this.#writer.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`),
    );
    this.#reader = open({ readOnly: true });
    this.#written = new Records(this.#writer);
    this.#committed = new Records(this.#reader);
  }

  async read<T>(context: CallContext, work: (records: Records) => T): Promise<T> {
    return this.#statement(context, () => work(this.#committed));
  }

  /** A write alone is a transaction of its own. */
  async write<T>(context: CallContext, work: (records: Records) => T): Promise<T> {
    const { within, commit, rollback } = await this.begin(context);
    try {
      const result = await within(context, work);
      await commit(context);
      return result;
    } catch (error) {
      // The first error says what became of the data; a second one must not take its place.
      await rollback(context).catch(() => process.emitWarning("a rollback failed", "DatabaseWarning"));
      throw error;
    }
  }

  async begin(context: CallContext): Promise<Transaction> {
    const leave = await this.#takeTurn(context);
    try {
      this.#statement(context, () => this.#writer.exec("BEGIN IMMEDIATE"));
    } catch (error) {
      leave();
      throw error;
    }
    return {
      within: async (own, work) => this.#statement(own, () => work(this.#written)),
      commit: async (own) => {
        if (own.aborted) throw interrupted(own, "none");
        this.#classified("commit", () => this.#writer.exec("COMMIT"));
        leave();
      },
      rollback: async () => {
        try {
          // What failed badly enough has been rolled back by SQLite.
          if (this.#writer.isTransaction) this.#classified("statement", () => this.#writer.exec("ROLLBACK"));
        } finally {
          leave();
        }
      },
    };
  }

  close(): void {
    this.#reader.close();
    this.#writer.close();
  }

  #statement<T>(context: CallContext, run: () => T): T {
    if (context.aborted) throw interrupted(context, "none");
    return this.#classified("statement", run);
  }

  #classified<T>(phase: Phase, run: () => T): T {
    try {
      return run();
    } catch (thrown) {
      throw fromSqlite(thrown, this.#path, phase);
    }
  }

  /** First come, first served. Who gives up while waiting has changed nothing, and holds up nobody. */
  async #takeTurn(context: CallContext): Promise<() => void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = before.then(() => promise);
    try {
      await untilInterrupted(before, context, "none");
    } catch (error) {
      resolve();
      throw error;
    }
    return resolve;
  }
}
