import { type CallContext, copyValue, type DatabaseError, DatabaseErrorOf, type Row } from "@db/core";
import type { Change, Store } from "./store.ts";

/** What a live query of `MockDatabase` yields. */
export interface LiveEvent {
  readonly action: "create" | "update" | "delete";
  readonly id: string;
  /** The record as it is now; for a delete as it was. */
  readonly row: Row;
}

/** Changes that a slow consumer may leave unread, before its live query fails rather than drop one. */
const MAX_BUFFERED = 1_000;

interface Subscriber {
  readonly store: Store;
  readonly collection: string;
  readonly events: LiveEvent[];
  error: DatabaseError | undefined;
  wake: () => void;
}

/** Hands every change to the live queries of its store and collection. */
export class LiveFeed {
  readonly #subscribers = new Set<Subscriber>();

  publish(store: Store, { collection, id, before, after }: Change): void {
    const row = after ?? before;
    if (row === undefined) return;
    const action = after === undefined ? "delete" : before === undefined ? "create" : "update";
    for (const subscriber of this.#subscribers) {
      if (subscriber.store !== store || subscriber.collection !== collection) continue;
      if (subscriber.events.length < MAX_BUFFERED) subscriber.events.push({ action, id, row: copyValue(row) });
      else subscriber.error ??= new DatabaseErrorOf("QUEUE_FULL", `${MAX_BUFFERED} changes were left unread`, {});
      subscriber.wake();
    }
  }

  /** Ends every live query with the error, after what it has buffered. */
  fail(error: DatabaseError): void {
    for (const subscriber of this.#subscribers) {
      subscriber.error ??= error;
      subscriber.wake();
    }
  }

  /** The changes from the first `next()` on; ends when the signal fires. @throws QUEUE_FULL, or what `fail` was given */
  async *subscribe(store: Store, collection: string, { signal }: CallContext): AsyncGenerator<LiveEvent> {
    const subscriber: Subscriber = { store, collection, events: [], error: undefined, wake: () => {} };
    const wake = (): void => subscriber.wake();
    this.#subscribers.add(subscriber);
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        const event = subscriber.events.shift();
        if (event !== undefined) yield event;
        else if (subscriber.error !== undefined) throw subscriber.error;
        else await new Promise<void>((resolve) => (subscriber.wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#subscribers.delete(subscriber);
    }
  }
}
