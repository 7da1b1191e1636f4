import type { OutcomeRow } from "./store.ts";

/** With 8 bytes each and a row for each commit this stays below a megabyte on disk. */
export const MAX_OUTCOMES = 32_768;

type State = "applied" | "dead";

/** The last operations whose end is known, by the hashes of their ids. */
export class Outcomes {
  readonly #retentionMs: number;
  /** In the order in which they ended. */
  readonly #found = new Map<number, { readonly state: State; readonly at: number }>();

  constructor(retentionMs: number, rows: readonly OutcomeRow[]) {
    this.#retentionMs = retentionMs;
    for (const { state, at, operations } of rows) for (const operation of operations) this.add(operation, state, at);
  }

  add(operation: number, state: State, at: number): void {
    this.#found.delete(operation);
    this.#found.set(operation, { state, at });
    if (this.#found.size <= MAX_OUTCOMES) return;
    for (const oldest of this.#found.keys()) {
      this.#found.delete(oldest);
      break;
    }
  }

  get(operation: number): State | undefined {
    const found = this.#found.get(operation);
    return found === undefined || found.at < Date.now() - this.#retentionMs ? undefined : found.state;
  }

  /** Rows from before this time hold nothing that is still asked for. */
  get oldestAt(): number {
    const expired = Date.now() - this.#retentionMs;
    if (this.#found.size < MAX_OUTCOMES) return expired;
    const [oldest] = this.#found.values();
    return Math.max(expired, oldest?.at ?? 0);
  }
}
