import { DatabaseErrorOf, interrupted } from "@db/core";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";

interface Waiter {
  readonly lane: number;
  readonly pass: () => void;
  readonly refuse: (error: unknown) => void;
}

/** Where writes that cannot be stored wait for those of their record that are. */
export class Turnstile {
  readonly #journal: Journal;
  readonly #waiting = new Set<Waiter>();

  constructor(journal: Journal) {
    this.#journal = journal;
    const look = (): void => {
      for (const waiter of this.#waiting) this.#look(waiter);
    };
    journal.listen({ freed: look, parked: look, ended: look });
  }

  /**
   * Resolves when the lane has no entries.
   * @throws CONFLICT behind a dead letter, which only an operator can clear away; why the queue has ended; what the signal says
   */
  async wait(lane: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw interrupted({ signal }, "none");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { lane, pass: resolve, refuse: reject };
    const abort = (): void => reject(interrupted({ signal }, "none"));
    this.#waiting.add(waiter);
    signal.addEventListener("abort", abort);
    this.#look(waiter);
    try {
      await promise;
    } finally {
      this.#waiting.delete(waiter);
      signal.removeEventListener("abort", abort);
    }
  }

  #look({ lane, pass, refuse }: Waiter): void {
    const { backlog, ended } = this.#journal;
    const found = backlog.findLane(lane);
    if (found === NONE) pass();
    else if (backlog.isDead(found)) refuse(blocked());
    else if (ended !== undefined) refuse(ended);
  }
}

function blocked(): DatabaseErrorOf<"CONFLICT"> {
  const message = "an earlier write of this record is a dead letter of the queue: redrive or discard it first";
  return new DatabaseErrorOf("CONFLICT", message, {}, { retryable: false });
}
