import type { Answer } from "./ledger.ts";
import type { Standstill } from "./standstill.ts";

/** A moment, and for how long the lab had stood still by then. */
interface Moment {
  readonly at: number;
  readonly stoodMs: number;
}

/** From one moment to another. */
export interface Span {
  /** In milliseconds. */
  readonly ms: number;
  /** Of that, for how long the lab itself stood still: so much sooner it may have been. */
  readonly standstillMs: number;
}

/** What a scenario's answers tell of its outage, as it goes. Begins now. */
export class Course {
  readonly #limitMs: number;
  readonly #standstill: Pick<Standstill, "totalMs">;
  readonly #started: Moment;
  #lifted: Moment | undefined;
  #firstRefused: Moment | undefined;
  #recovered: Moment | undefined;
  #undue = 0;

  constructor(limitMs: number, standstill: Pick<Standstill, "totalMs">) {
    this.#limitMs = limitMs;
    this.#standstill = standstill;
    this.#started = this.#moment(performance.now());
  }

  /** The fault has ended now. */
  lift(): void {
    this.#lifted = this.#moment(performance.now());
  }

  /** @param at and `askedAt`: on the `performance.now()` scale */
  answered(answer: Answer, at: number, askedAt: number): void {
    const [lifted, recovered] = [this.#lifted, this.#recovered];
    if (answer === "confirmed" && lifted !== undefined && askedAt >= lifted.at) this.#recovered ??= this.#moment(at);
    if (answer !== "refused") return;
    this.#firstRefused ??= this.#moment(at);
    const isOverAlready = recovered !== undefined && askedAt > recovered.at;
    if (at - this.#started.at < this.#limitMs || isOverAlready) this.#undue += 1;
  }

  /**
   * Refused before any outage of this scenario was as old as the limit, or once the service had recovered. How long it was to
   * be is no measure: to the service it lasts until its own dial, and a machine that pauses makes it longer.
   */
  get undue(): number {
    return this.#undue;
  }

  /** From the fault to the first that was refused. */
  get firstRefused(): Span | undefined {
    return span(this.#started, this.#firstRefused);
  }

  /** From the end of the fault to the first that was confirmed, of those that were asked since. */
  get recovered(): Span | undefined {
    return span(this.#lifted, this.#recovered);
  }

  #moment(at: number): Moment {
    return { at, stoodMs: this.#standstill.totalMs };
  }
}

function span(from: Moment | undefined, to: Moment | undefined): Span | undefined {
  if (from === undefined || to === undefined) return undefined;
  return { ms: Math.round(to.at - from.at), standstillMs: Math.round(to.stoodMs - from.stoodMs) };
}
