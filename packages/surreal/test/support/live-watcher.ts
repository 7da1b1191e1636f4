import type { DatabaseService } from "@db/core";
import { within } from "./settled.ts";

/** Follows a live query and keeps what it told of one record, and of gaps: `update`, `resync lost`, … */
export class LiveWatcher {
  readonly #seen: string[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<{ readonly error: unknown } | "ended">;
  #heard: () => void = () => {};

  constructor(db: DatabaseService, collection: string, id: string) {
    this.#ended = this.#follow(db, collection, id).then(
      () => "ended",
      (error: unknown) => ({ error }),
    );
  }

  has(what: string): boolean {
    return this.#seen.includes(what);
  }

  forget(): void {
    this.#seen.length = 0;
  }

  async until(what: string, limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while (!this.has(what) && performance.now() < deadline) {
      const change = new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
      await within(deadline - performance.now(), change);
    }
    return this.has(what);
  }

  /** What ends it within that time, if anything does. */
  ending(limitMs: number): Promise<{ readonly error: unknown } | "ended" | undefined> {
    return within(limitMs, this.#ended);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #follow(db: DatabaseService, collection: string, id: string): Promise<void> {
    for await (const event of db.live(collection, { signal: this.#stop.signal })) {
      const told = event as { readonly action: string; readonly id?: string; readonly reason?: string };
      if (told.action === "resync") this.#seen.push(`resync ${told.reason}`);
      else if (told.id === id) this.#seen.push(told.action);
      this.#heard();
    }
  }
}
