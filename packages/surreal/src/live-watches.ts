import type { RecordId, Uuid } from "surrealdb";
import { lostError } from "./connection.ts";
import type { Notification } from "./live.ts";

/** Whom the notifications of one live query are for. */
export interface Watcher {
  change(notification: Notification): void;
  /** The server has ended it. */
  killed(): void;
  /** Its connection is over. */
  lost(cause: unknown): void;
}

/** What a server pushes. */
export interface Push {
  readonly id: Uuid;
  readonly action: string;
  readonly record: unknown;
  readonly result: unknown;
}

/** What comes for a live query before the answer that tells its id. */
const MAX_EARLY = 1_000;

/** The live queries of one connection, by their ids. */
export class LiveWatches {
  readonly #watchers = new Map<string, Watcher>();
  #starting = 0;
  #early: Push[] = [];
  #isOver = false;

  get size(): number {
    return this.#watchers.size + this.#starting;
  }

  /** Starts one: what comes for it before its id is known is kept. */
  async start(ask: () => Promise<Uuid>, watcher: Watcher): Promise<Uuid> {
    this.#starting += 1;
    try {
      const id = await ask();
      this.#add(id, watcher);
      return id;
    } finally {
      this.#starting -= 1;
      if (this.#starting === 0) this.#early = [];
    }
  }

  /** False if it is not there any more. */
  remove(id: Uuid): boolean {
    return this.#watchers.delete(id.toString());
  }

  push(push: Push): void {
    const id = push.id.toString();
    const watcher = this.#watchers.get(id);
    if (watcher !== undefined) this.#deliver(id, watcher, push);
    else if (this.#starting > 0 && this.#early.length < MAX_EARLY) this.#early.push(push);
  }

  end(cause: unknown): void {
    this.#isOver = true;
    const watchers = [...this.#watchers.values()];
    this.#watchers.clear();
    for (const watcher of watchers) watcher.lost(cause);
  }

  #add(id: Uuid, watcher: Watcher): void {
    const key = id.toString();
    // The answer and the end of the connection may have come in one turn of the event loop.
    if (this.#isOver) throw lostError(new Error("it ended as the live query began"));
    this.#watchers.set(key, watcher);
    for (const push of this.#early) if (push.id.toString() === key) this.#deliver(key, watcher, push);
  }

  #deliver(key: string, watcher: Watcher, { action, record, result }: Push): void {
    if (action === "CREATE" || action === "UPDATE" || action === "DELETE")
      watcher.change({ action, record: record as RecordId, value: result });
    else {
      this.#watchers.delete(key);
      watcher.killed();
    }
  }
}
