import { type DatabaseService, isDatabaseError } from "@db/core";
import { pause, type Timeline } from "./timeline.ts";

const PAUSE_MS = 50;

/** Callers that write one note after another and keep what they were told of each. */
export class Writers {
  readonly acknowledged = new Set<string>();
  readonly unknown = new Set<string>();
  readonly refused = new Set<string>();
  readonly #db: DatabaseService;
  readonly #timeline: Timeline;
  readonly #codes = new Map<string, number>();
  #made = 0;
  /** The first is printed without being asked for. */
  #next: PromiseWithResolvers<true> | undefined = Promise.withResolvers();

  constructor(db: DatabaseService, timeline: Timeline) {
    this.#db = db;
    this.#timeline = timeline;
  }

  async run(callers: number, signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: callers }, () => this.#write(signal)));
  }

  /** Resolves at the next acknowledged write, which is printed. */
  acknowledgement(): Promise<true> {
    this.#next = Promise.withResolvers();
    return this.#next.promise;
  }

  /** What failed since the last time, by code. */
  flushCodes(): string {
    const codes = [...this.#codes].map(([code, times]) => `${times} × ${code}`).join(", ");
    this.#codes.clear();
    return codes;
  }

  async #write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#made += 1;
      const mark = `n${this.#made}`;
      const start = performance.now();
      try {
        // The row has no id of ours, so that a write that is carried out twice shows as two rows.
        await this.#db.query("CREATE notes SET mark = $mark RETURN NONE", { mark });
        this.acknowledged.add(mark);
        this.#announce(performance.now() - start);
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        (error.effect === "unknown" ? this.unknown : this.refused).add(mark);
        this.#count(error.code);
      }
      await pause(PAUSE_MS, signal);
    }
  }

  #announce(tookMs: number): void {
    if (this.#next === undefined) return;
    this.#next.resolve(true);
    this.#next = undefined;
    this.#timeline.tell("write", `acknowledged, after ${Math.round(tookMs)} ms`);
  }

  /** The first of each kind is told when it comes. */
  #count(code: string): void {
    const times = this.#codes.get(code) ?? 0;
    if (times === 0) this.#timeline.tell("write", `${code} (the first of them)`);
    this.#codes.set(code, times + 1);
  }
}
