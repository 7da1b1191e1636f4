import { type DatabaseError, interrupted, untilInterrupted } from "@db/core";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";

interface Barrier {
  /** Undefined: all records. */
  readonly lane: number | undefined;
  /** The last entry that it waits for. */
  readonly seq: number;
  left: number;
  readonly open: () => void;
  readonly refuse: (error: DatabaseError) => void;
}

/** Those who wait until writes of before are applied. Dead letters, and what stands behind one, are not waited for. */
export class Barriers {
  readonly #journal: Journal;
  readonly #waiting = new Set<Barrier>();

  constructor(journal: Journal) {
    this.#journal = journal;
    journal.listen({
      settled: (seq, lane) => this.#count(seq, lane, -1),
      parked: (lane, parked) => this.#countLane(lane, parked ? -1 : 1),
      ended: (error) => {
        for (const { refuse } of this.#waiting) refuse(error);
      },
    });
  }

  /** @param lane the hash of one; undefined for all */
  async wait(lane: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) throw interrupted({ signal }, "none");
    const left = this.#left(lane);
    if (left === 0) return;
    if (this.#journal.ended !== undefined) throw this.#journal.ended;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const barrier: Barrier = { lane, seq: this.#journal.committer.nextSeq - 1, left, open: resolve, refuse: reject };
    this.#waiting.add(barrier);
    try {
      await (signal === undefined ? promise : untilInterrupted(promise, { signal }, "none"));
    } finally {
      this.#waiting.delete(barrier);
    }
  }

  #left(lane: number | undefined): number {
    const { backlog } = this.#journal;
    if (lane === undefined) return backlog.liveCount;
    const found = backlog.findLane(lane);
    return found === NONE || backlog.isDead(found) ? 0 : backlog.activeOf(found);
  }

  #count(seq: number, lane: number, change: number): void {
    for (const barrier of this.#waiting) {
      if (seq > barrier.seq || (barrier.lane !== undefined && barrier.lane !== lane)) continue;
      barrier.left += change;
      if (barrier.left === 0) barrier.open();
    }
  }

  #countLane(lane: number, change: number): void {
    if (this.#waiting.size === 0) return;
    const { backlog } = this.#journal;
    const hash = backlog.laneHash(lane);
    for (const row of backlog.activeRows(lane)) this.#count(backlog.seqOf(row), hash, change);
  }
}
