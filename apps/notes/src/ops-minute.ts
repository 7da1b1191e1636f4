import { Latencies } from "./ops-latencies.ts";

const SECONDS = 60;
/** Kinds × collections that are told apart; what comes beyond counts as one more, `other`. */
const MAX_ROWS = 40;

/** What one second had of one kind of call. */
class Second {
  readonly latencies = new Latencies();
  errors = 0;
}

/** The calls of the last minute of one kind. */
class Row {
  readonly seconds: (Second | undefined)[] = [];

  get current(): Second {
    this.seconds[0] ??= new Second();
    return this.seconds[0];
  }
}

export interface MinuteRow {
  readonly key: string;
  readonly calls: number;
  readonly errors: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Calls of the last minute by key, in seconds that fall out one by one. Bounded, whatever the keys are. */
export class Minute {
  readonly #rows = new Map<string, Row>();

  add(key: string, durationMs: number, failed: boolean): void {
    const known = this.#rows.has(key) || this.#rows.size < MAX_ROWS ? key : "other";
    let row = this.#rows.get(known);
    if (row === undefined) {
      row = new Row();
      this.#rows.set(known, row);
    }
    const second = row.current;
    second.latencies.add(durationMs);
    if (failed) second.errors += 1;
  }

  /** A second has passed. */
  turn(): void {
    for (const [key, row] of this.#rows) {
      row.seconds.unshift(undefined);
      row.seconds.length = Math.min(row.seconds.length, SECONDS);
      if (row.seconds.every((second) => second === undefined)) this.#rows.delete(key);
    }
  }

  rows(): readonly MinuteRow[] {
    return [...this.#rows].map(([key, row]) => {
      const all = new Latencies();
      let errors = 0;
      for (const second of row.seconds) {
        if (second === undefined) continue;
        all.include(second.latencies);
        errors += second.errors;
      }
      const at = (q: number): number => all.quantile(q) ?? 0;
      return { key, calls: all.count, errors, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    });
  }
}
