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

/** Live queries over any source. */
export class LiveQueries {
  readonly #source: LiveSource;
  readonly #session: Session;
  readonly #locks: WriteLocks;

  constructor(source: LiveSource, session: Session, locks: WriteLocks) {
    this.#source = source;
    this.#session = session;
    this.#locks = locks;
  }

  /** Ends with its signal, also where nobody asks for the next change. */
  async *follow(query: LiveQuery, context: CallContext): AsyncGenerator<LiveEvent, void, undefined> {
    const { signal } = context;
    const channel = new LiveChannel(query.bufferSize, signal);
    const { listener, order } = listenerOf(channel);
    const stop = await this.#start(query, context, listener);
    let stopped: Promise<void> | undefined;
    const end = (): void => {
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
        if (!isMissingTable(error)) throw error;
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
