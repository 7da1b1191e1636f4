import {
  type CallContext,
  copyValue,
  type DatabaseError,
  LiveChannel,
  type LiveEvent,
  type LiveQuery,
  matchesFilter,
} from "@db/core";
import type { Change, Store } from "./store.ts";

interface Subscriber {
  readonly store: Store;
  readonly query: LiveQuery;
  readonly channel: LiveChannel;
}

/** Hands every change to the live queries of its store and collection. */
export class LiveFeed {
  readonly #subscribers = new Set<Subscriber>();

  publish(store: Store, { collection, id, before, after }: Change): void {
    const row = after ?? before;
    if (row === undefined) return;
    const action = after === undefined ? "delete" : before === undefined ? "create" : "update";
    for (const { store: watched, query, channel } of this.#subscribers) {
      if (watched !== store || query.collection !== collection) continue;
      const { where } = query;
      const sides = [before, after].filter((side) => side !== undefined);
      if (where === undefined || sides.some((side) => matchesFilter(side, where)))
        channel.change({ action, id, row: copyValue(row) });
    }
  }

  /** The connection was away for a while. */
  gap(): void {
    for (const { channel } of this.#subscribers) channel.gap("lost");
  }

  /** Ends every live query. */
  end(error?: DatabaseError): void {
    for (const { channel } of this.#subscribers) channel.end(error);
  }

  /** The changes from the first `next()` on, until the signal fires. */
  async *subscribe(store: Store, query: LiveQuery, { signal }: CallContext): AsyncGenerator<LiveEvent> {
    const channel = new LiveChannel(query.bufferSize, signal);
    const subscriber: Subscriber = { store, query, channel };
    this.#subscribers.add(subscriber);
    channel.gap("started");
    try {
      yield* channel;
    } finally {
      this.#subscribers.delete(subscriber);
    }
  }
}
