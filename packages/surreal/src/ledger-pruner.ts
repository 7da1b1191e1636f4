import { isDatabaseError, runCall, type Scope } from "@db/core";
import type { Wording } from "./dialect.ts";
import { isMissingTable } from "./errors.ts";
import { deleteRowsText, type PageRow, pageText, rangesBefore } from "./ledger-text.ts";
import type { Session } from "./session.ts";

const PAGE_SIZE = 100;
const PAGE_TIMEOUT_MS = 10_000;
/** Of the time, pruning takes a fifth of one session at most. */
const PAUSE = 4;
const MAX_INTERVAL_MS = 3_600_000;
const MAX_FIRST_MS = 10_000;
const MAX_PLACES = 10_000;

/**
 * Deletes what is older than the retention, in the background and page by page: soon after a place was first written to, then
 * ten times per retention and at least once an hour. Its timers keep no process alive. Rows may stay a while longer than
 * the retention, never shorter.
 */
export class LedgerPruner {
  readonly #session: Session;
  readonly #retentionMs: number;
  readonly #intervalMs: number;
  readonly #onMissing: (key: string) => void;
  readonly #closing = new AbortController();
  readonly #places = new Map<string, Scope | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #warned = false;

  /** @param onMissing is told of a place whose table is no more; it is pruned again once it is added again */
  constructor(session: Session, retentionMs: number, onMissing: (key: string) => void) {
    this.#session = session;
    this.#onMissing = onMissing;
    this.#retentionMs = retentionMs;
    this.#intervalMs = Math.min(retentionMs / 10, MAX_INTERVAL_MS);
  }

  add(key: string, scope: Scope | undefined): void {
    if (this.#places.size >= MAX_PLACES) this.#places.delete(this.#places.keys().next().value ?? "");
    this.#places.set(key, scope);
    this.#schedule(Math.min(this.#intervalMs, MAX_FIRST_MS));
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /** Somebody has removed the table, or the whole place. */
  #forget(key: string): void {
    this.#places.delete(key);
    this.#onMissing(key);
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined || this.#running || this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#run(), ms).unref();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#timer = undefined;
    this.#running = true;
    for (const [key, scope] of this.#places) {
      try {
        await this.#sweep(scope);
      } catch (error) {
        if (isMissingTable(error)) this.#forget(key);
        else this.#report(error);
      }
    }
    this.#running = false;
    this.#schedule(this.#intervalMs);
  }

  async #sweep(scope: Scope | undefined): Promise<void> {
    for (const [start, end] of rangesBefore(Date.now() - this.#retentionMs)) {
      for (let from: string | undefined = start; from !== undefined; ) {
        if (this.#closing.signal.aborted) return;
        const began = performance.now();
        from = await this.#prunePage(from, end, scope);
        await pause((performance.now() - began) * PAUSE);
      }
    }
  }

  /** A page at a time: neither the time nor the changes of one statement may grow with the ledger. Answers where it ended. */
  async #prunePage(from: string, to: string, scope: Scope | undefined): Promise<string | undefined> {
    const { signal } = this.#closing;
    return runCall({ timeoutMs: PAGE_TIMEOUT_MS, signal, scope, whenAway: "fail" }, async (context) => {
      const page: Wording = (dialect) => pageText(from, to, this.#retentionMs, PAGE_SIZE, dialect);
      const rows = (await this.#session.ask(page, context, { effect: "none" })) as readonly PageRow[];
      const old = rows.filter((row) => row.old);
      if (old.length > 0) await this.#session.ask(deleteRowsText(old), context, { effect: "none" });
      return rows.length < PAGE_SIZE ? undefined : String(rows.at(-1)?.id.id);
    });
  }

  /** In an outage, or beside another pruner, the next round does it. What will not pass is said once. */
  #report(error: unknown): void {
    const passing =
      isDatabaseError(error) && (error.retryable || error.code === "CANCELLED" || error.code === "CLOSED");
    if (passing || this.#warned) return;
    this.#warned = true;
    const why = isDatabaseError(error) ? error.code : "INTERNAL";
    process.emitWarning(`the ledger cannot be pruned and will grow: ${why}`, "DatabaseWarning");
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
