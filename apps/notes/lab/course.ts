import type { Answer } from "./ledger.ts";

/** What a scenario's answers tell of its outage, as it goes. Begins now; all times are of the `performance.now()` scale. */
export class Course {
  /** When the fault ended. */
  liftedAt: number = Number.POSITIVE_INFINITY;
  readonly #startedAt = performance.now();
  readonly #limitMs: number;
  #firstRefusedAt: number | undefined;
  #recoveredAt: number | undefined;
  #undue = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  answered(answer: Answer, at: number, askedAt: number): void {
    if (answer === "confirmed" && askedAt >= this.liftedAt) this.#recoveredAt ??= at;
    if (answer !== "refused") return;
    this.#firstRefusedAt ??= at;
    if (at - this.#startedAt < this.#limitMs || askedAt > (this.#recoveredAt ?? Number.POSITIVE_INFINITY))
      this.#undue += 1;
  }

  get hasRecovered(): boolean {
    return this.#recoveredAt !== undefined;
  }

  /**
   * Refused before any outage of this scenario was as old as the limit, or once the service had recovered. How long it was to
   * be is no measure: to the service it lasts until its own dial, and a machine that pauses makes it longer.
   */
  get undue(): number {
    return this.#undue;
  }

  get firstRefusedMs(): number | null {
    return this.#firstRefusedAt === undefined ? null : Math.round(this.#firstRefusedAt - this.#startedAt);
  }

  get recoveredMs(): number | null {
    return this.#recoveredAt === undefined ? null : Math.round(this.#recoveredAt - this.liftedAt);
  }
}
