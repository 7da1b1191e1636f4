import type { CallContext } from "@db/core";
import { type Release, Turnstile } from "./turnstile.ts";

/**
 * The order of writes. Engine 3.0.2 loses acknowledged updates under contention on `mem` and `surrealkv` and refuses many
 * with conflicts on `rocksdb`, so writes of one record follow one another on all of them, and where updates get lost,
 * writes of unknown extent (queries, transactions) have the engine to themselves.
 *
 * Who waits for several lines takes them in the order given, and the engine last: whoever is inside waits for no line.
 */
export class WriteOrder {
  readonly #lines = new Map<string, Turnstile>();
  readonly #engine = new Turnstile();
  readonly #losesUpdates: boolean;

  constructor(losesUpdates: boolean) {
    this.#losesUpdates = losesUpdates;
  }

  /** For one write, which follows others of the same keys: its record's, its operation's. */
  record(keys: readonly string[], context: CallContext): Release | Promise<Release> {
    return this.#enterNow(keys, false) ?? this.#enter(keys, false, context);
  }

  /** For a write of unknown extent. */
  async unknown(context: CallContext): Promise<Release> {
    return this.#losesUpdates ? this.#engine.enter(true, context) : () => {};
  }

  /** For what no other write may run beside, on any engine: the first write into a table, which defines it. */
  alone(keys: readonly string[], context: CallContext): Release | Promise<Release> {
    return this.#enterNow(keys, true) ?? this.#enter(keys, true, context);
  }

  /** At once, where there is nobody to wait for: what every write pays should be little. */
  #enterNow(keys: readonly string[], alone: boolean): Release | undefined {
    const engine = this.#engine;
    if (!engine.isOpen(alone)) return undefined;
    // A line that is empty is forgotten: one that is there has somebody in it.
    for (const key of keys) if (this.#lines.has(key)) return undefined;
    const lines = keys.map((key) => {
      const line = new Turnstile();
      line.enterNow(true);
      this.#lines.set(key, line);
      return line;
    });
    engine.enterNow(alone);
    return () => {
      engine.leave(alone);
      for (const [index, line] of lines.entries()) {
        line.leave(true);
        this.#forget(keys[index] ?? "", line);
      }
    };
  }

  async #enter(keys: readonly string[], alone: boolean, context: CallContext): Promise<Release> {
    const taken: Release[] = [];
    const leave = (): void => {
      for (const release of taken.reverse()) release();
    };
    try {
      for (const key of keys) taken.push(await this.line(key, context));
      taken.push(await this.#engine.enter(alone, context));
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The turn of one key, beside whatever else goes on. */
  async line(key: string, context: CallContext): Promise<Release> {
    const line = this.#lines.get(key) ?? new Turnstile();
    this.#lines.set(key, line);
    try {
      const leave = await line.enter(true, context);
      return () => {
        leave();
        this.#forget(key, line);
      };
    } catch (error) {
      this.#forget(key, line);
      throw error;
    }
  }

  #forget(key: string, line: Turnstile): void {
    if (line.idle && this.#lines.get(key) === line) this.#lines.delete(key);
  }
}
