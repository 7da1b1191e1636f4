import { type CallContext, operationReused, untilInterrupted, type WriteResult } from "@db/core";
import { retryingConflicts } from "./conflicts.ts";
import type { WriteLocks } from "./handlers.ts";
import { LedgerPruner } from "./ledger-pruner.ts";
import { defineText, type LedgerRow, lookUpText } from "./ledger-text.ts";
import { withId } from "./row.ts";
import { placeKey } from "./scope.ts";
import type { Session } from "./session.ts";

/** What is known of places is forgotten beyond this many, and asked again. */
const MAX_PLACES = 10_000;

/**
 * The table of applied operations, in each namespace and database where a write asks for one. A write finds its row there
 * or puts it there, in its own transaction: see `ledgeredText`.
 */
export class Ledger {
  readonly #session: Session;
  readonly #locks: Pick<WriteLocks, "operation">;
  readonly #pruner: LedgerPruner;
  readonly #ready = new Set<string>();
  readonly #defining = new Map<string, Promise<void>>();

  constructor(session: Session, locks: Pick<WriteLocks, "operation">, retentionMs: number) {
    this.#session = session;
    this.#locks = locks;
    this.#pruner = new LedgerPruner(session, retentionMs, (key) => this.#ready.delete(key));
  }

  /**
   * Sees to it that the table is there before the first row is written. A create defines a missing table by itself, but of
   * several that do so at once all but one are refused.
   */
  async ready(context: CallContext): Promise<void> {
    const { scope } = context;
    const key = scope === undefined ? "" : placeKey(scope);
    while (!this.#ready.has(key)) {
      const defining = this.#defining.get(key);
      // Who defines it gets the error; the next one in the line then tries it with a deadline of its own.
      if (defining !== undefined) await untilInterrupted(defining, context, "none");
      else await this.#define(key, context);
    }
  }

  /** Waits for the attempts of this process first: one that was given up may still be carried out. */
  async wasApplied(operationId: string, context: CallContext): Promise<boolean> {
    const onDone = await this.#locks.operation(operationId, context);
    return (await this.#session.ask(lookUpText(operationId), context, { effect: "none", onDone })) === true;
  }

  /** Ends the pruning. */
  close(): void {
    this.#pruner.close();
  }

  async #define(key: string, context: CallContext): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#defining.set(key, promise);
    try {
      await retryingConflicts(context, () => this.#session.ask(defineText(), context, { effect: "none" }));
      if (this.#ready.size >= MAX_PLACES) this.#ready.clear();
      this.#ready.add(key);
      this.#pruner.add(key, context.scope);
    } finally {
      this.#defining.delete(key);
      resolve();
    }
  }
}

/**
 * The answer of the first time, from its row in the ledger.
 * @throws VALIDATION_FAILED where the fingerprints tell that it was another write
 */
export function earlierResult(known: LedgerRow, { operationId, fingerprint }: CallContext): WriteResult {
  const { record, row } = known;
  if (fingerprint !== undefined && known.fingerprint !== undefined && fingerprint !== known.fingerprint)
    throw operationReused();
  return {
    id: record,
    operationId,
    status: "committed",
    ...(row === undefined ? {} : { row: withId(row, record) }),
  };
}
