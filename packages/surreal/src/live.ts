import {
  type CallContext,
  type DatabaseError,
  isDatabaseError,
  LiveChannel,
  type LiveEvent,
  type LiveQuery,
  runCall,
  toDatabaseError,
} from "@db/core";
import type { RecordId } from "surrealdb";
import { retryingConflicts } from "./conflicts.ts";
import { isMissingTable } from "./errors.ts";
import type { Statement } from "./find-text.ts";
import type { WriteLocks } from "./handlers.ts";
import { LiveOrder } from "./live-order.ts";
import { defineTableText, liveText, STAMP } from "./live-text.ts";
import { idOf, withId } from "./row.ts";
import { type Place, placeKey } from "./scope.ts";
import type { Session } from "./session.ts";

/** What the database tells of one change. */
export interface Notification {
  readonly action: "CREATE" | "UPDATE" | "DELETE";
  readonly record: RecordId;
  readonly value: unknown;
}

export interface LiveListener {
  change(notification: Notification): void;
  /** Changes may be missing before what comes next. */
  gap(): void;
  /** Closed or killed: nothing comes after it. */
  end(error?: DatabaseError): void;
}

/** Where notifications come from. */
export interface LiveSource {
  /**
   * Starts a live query in `context.scope` and resolves once it stands, to the function that ends it and never rejects.
   * After a loss the source begins it anew by itself, and then says that there was a gap.
   */
  watch(statement: Statement, context: CallContext, listener: LiveListener): Promise<() => Promise<void>>;
}

interface Active {
  readonly place: string;
  readonly listener: LiveListener;
}

/** Live queries over any source. */
export class LiveQueries {
  readonly #source: LiveSource;
  readonly #session: Session;
  readonly #locks: WriteLocks;
  readonly #home: Place;
  readonly #active = new Set<Active>();

  /** @param home the place of calls without a scope */
  constructor(source: LiveSource, session: Session, locks: WriteLocks, home: Place) {
    this.#source = source;
    this.#session = session;
    this.#locks = locks;
    this.#home = home;
  }

  /**
   * A transaction was committed that live queries of its place do not hear of: engine 3.0.2 tells of statements and blocks
   * only (surrealdb#7514). Those of other processes do not learn it at all.
   */
  missed({ scope }: CallContext): void {
    const written = placeKey(scope ?? this.#home);
    for (const { place, listener } of this.#active) if (place === written) listener.gap();
  }

  /** Ends with its signal, also where nobody asks for the next change. */
  async *follow(query: LiveQuery, context: CallContext): AsyncGenerator<LiveEvent, void, undefined> {
    const { signal } = context;
    const channel = new LiveChannel(query.bufferSize, signal);
    const { listener, order } = listenerOf(channel);
    const stop = await this.#start(query, context, listener);
    const active = { place: placeKey(context.scope ?? this.#home), listener };
    this.#active.add(active);
    let stopped: Promise<void> | undefined;
    const end = (): void => {
      this.#active.delete(active);
      order.clear();
      stopped ??= stop();
    };
    signal.addEventListener("abort", end, { once: true });
    try {
      // What was told until now is of no use to whoever reads first.
      order.clear();
      channel.gap("started");
      yield* channel;
    } finally {
      signal.removeEventListener("abort", end);
      end();
      await stopped;
    }
  }

  async #start(query: LiveQuery, context: CallContext, listener: LiveListener): Promise<() => Promise<void>> {
    const { scope, signal } = context;
    return runCall({ timeoutMs: query.timeoutMs, signal, scope }, async (call) => {
      const watch = (): Promise<() => Promise<void>> =>
        retryingConflicts(call, () => this.#source.watch(liveText(query), call, listener));
      try {
        return await watch();
      } catch (error) {
        if (!isMissingTable(error, query.collection)) throw error;
        await this.#define(query.collection, call);
        return watch();
      }
    });
  }

  /** The engine has no live query on a table that is not there. */
  async #define(collection: string, context: CallContext): Promise<void> {
    await retryingConflicts(context, async () => {
      const onDone = await this.#locks.define(context);
      await this.#session.ask(defineTableText(collection), context, { effect: "none", onDone });
    });
  }
}

function listenerOf(channel: LiveChannel): { readonly listener: LiveListener; readonly order: LiveOrder } {
  const gap = (): void => {
    order.clear();
    channel.gap("lost");
  };
  const end = (error?: DatabaseError): void => {
    order.flush();
    order.clear();
    channel.end(error);
  };
  const order = new LiveOrder((change) => channel.change(change), gap);
  const listener: LiveListener = {
    change({ action, record, value }) {
      try {
        const id = idOf(record);
        const { [STAMP]: stamp, ...row } = value as { readonly [STAMP]: number | bigint };
        const told = { CREATE: "create", UPDATE: "update", DELETE: "delete" } as const;
        order.add(BigInt(stamp), { action: told[action], id, row: withId(row, id) });
      } catch (error) {
        end(isDatabaseError(error) ? error : toDatabaseError(error, "none"));
      }
    },
    gap,
    end,
  };
  return { listener, order };
}
