import type { CallContext } from "@db/core";
import { type Release, Turnstile } from "./turnstile.ts";

/**
 * The order of writes on an embedded engine. Engine 3.0.2 loses acknowledged updates under contention on `mem` and
 * `surrealkv` and refuses many with conflicts on `rocksdb`, so writes of one record follow one another on all of them,
 * and where updates get lost, writes of unknown extent (queries, transactions) have the engine to themselves.
 */
export class WriteOrder {
  readonly #records = new Map<string, Turnstile>();
  readonly #engine = new Turnstile();
  readonly #losesUpdates: boolean;

  constructor(losesUpdates: boolean) {
    this.#losesUpdates = losesUpdates;
  }

  /** For one write of one record. */
  async record(id: string, context: CallContext): Promise<Release> {
    let line = this.#records.get(id);
    if (line === undefined) {
      line = new Turnstile();
      this.#records.set(id, line);
    }
    const leaveLine = await line.enter(true, context).catch((error: unknown) => {
      this.#forget(id, line);
      throw error;
    });
    const leaveRecord = (): void => {
      leaveLine();
      this.#forget(id, line);
    };
    try {
      const leaveEngine = await this.#engine.enter(false, context);
      return () => {
        leaveEngine();
        leaveRecord();
      };
    } catch (error) {
      leaveRecord();
      throw error;
    }
  }

  /** For a write of unknown extent. */
  async unknown(context: CallContext): Promise<Release> {
    return this.#losesUpdates ? this.#engine.enter(true, context) : () => {};
  }

  /** For what no other write may run beside, on any engine: the first write into a table, which defines it. */
  async alone(context: CallContext): Promise<Release> {
    return this.#engine.enter(true, context);
  }

  #forget(id: string, line: Turnstile): void {
    if (line.idle && this.#records.get(id) === line) this.#records.delete(id);
  }
}
