import type { ConnectionState, DatabaseHealth, DatabaseService } from "@db/core";

/** Prints what happens with the time since the start. */
export class Timeline {
  readonly #start = performance.now();

  /** What we do to the database. */
  act(text: string): void {
    this.#print(`■ ${text}`);
  }

  /** What the layer tells. */
  tell(subject: string, text: string): void {
    this.#print(`  ${subject.padEnd(8)} ${text}`);
  }

  #print(text: string): void {
    const seconds = ((performance.now() - this.#start) / 1_000).toFixed(2).padStart(7);
    process.stdout.write(`${seconds} s  ${text}\n`);
  }
}

/** Tells each change of state; of an outage its reason once, then every further try. */
export class StateTeller {
  readonly #timeline: Timeline;
  #tries = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  tell(state: ConnectionState): void {
    if (state.name !== "failed") {
      const after = this.#tries > 1 ? `, at try ${this.#tries}` : "";
      this.#tries = 0;
      this.#timeline.tell("state", `${state.name}${after}`);
      return;
    }
    const { error, nextAttemptAt, unavailableAt } = state;
    this.#tries += 1;
    if (this.#tries === 1) this.#timeline.tell("state", `failed: ${error.code}: ${error.message}`);
    const [next, unavailable] = [nextAttemptAt, unavailableAt].map((at) => Math.round(at - performance.now()));
    const waiting =
      unavailable !== undefined && unavailable > 0 ? `calls wait for ${unavailable} ms more` : "calls fail at once";
    this.#timeline.tell("", `try ${this.#tries} in ${Math.max(0, next ?? 0)} ms; ${waiting}`);
  }
}

const HEALTH_INTERVAL_MS = 250;

/** Prints health whenever it says something new, until the signal fires. */
export async function watchHealth(db: DatabaseService, timeline: Timeline, signal: AbortSignal): Promise<void> {
  let last = "";
  while (!signal.aborted) {
    const health = await db.healthCheck();
    const status = "reason" in health ? `${health.status} (${health.reason})` : health.status;
    if (status !== last) timeline.tell("health", `${status}${hint(health)}`);
    last = status;
    await pause(HEALTH_INTERVAL_MS, signal);
  }
}

function hint(health: DatabaseHealth): string {
  if (health.status === "healthy") return `, answers in ${health.responseTimeMs.toFixed(1)} ms`;
  return "retryAfterMs" in health && health.retryAfterMs !== undefined ? `, retry after ${health.retryAfterMs} ms` : "";
}

/** Ends early, without an error, when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });
}
