import { type CallContext, interrupted } from "@db/core";
import type { LiveSubscription, Uuid } from "surrealdb";
import type { Busy } from "./busy.ts";
import type { EngineSession } from "./engine-session.ts";
import type { EngineSessions, HeldSession } from "./engine-sessions.ts";
import { classify } from "./errors.ts";
import type { Statement } from "./find-text.ts";
import { reportLeftover } from "./leftover.ts";
import type { LiveListener, LiveSource } from "./live.ts";
import { valuesIn } from "./scope.ts";

/** The notifications of an engine in this process. It has no gaps: it ends when the engine is closed. */
export class EngineLive implements LiveSource {
  readonly #sessions: EngineSessions;
  readonly #session: EngineSession;
  readonly #busy: Busy;

  constructor(sessions: EngineSessions, session: EngineSession, busy: Busy) {
    this.#sessions = sessions;
    this.#session = session;
    this.#busy = busy;
  }

  async watch(statement: Statement, context: CallContext, listener: LiveListener): Promise<() => Promise<void>> {
    let begun: Promise<Watch> | undefined;
    const start = (): Promise<Watch> => {
      begun = this.#begin(statement, context, listener);
      return begun;
    };
    try {
      const watch = await this.#session.send(start, context, { effect: "none" });
      return () => watch.end();
    } catch (error) {
      // One that failed to begin has left nothing; one that nobody waited for is ended.
      begun?.then(
        (watch) => watch.end(),
        () => {},
      );
      throw error;
    }
  }

  async #begin({ text, values }: Statement, context: CallContext, listener: LiveListener): Promise<Watch> {
    const held = await this.#sessions.hold(context);
    try {
      if (context.aborted) throw interrupted(context, "none");
      const [id] = await held.session.query(text, valuesIn(context, values)).collect<[Uuid]>();
      return new Watch(await held.session.liveOf(id), held, this.#busy, listener);
    } catch (error) {
      held.release();
      throw error;
    }
  }
}

/** One live query of the engine. It keeps its session: the engine drops the live queries of one that is closed. */
class Watch {
  readonly #subscription: LiveSubscription;
  readonly #held: HeldSession;
  readonly #busy: Busy;
  #stands = true;

  constructor(subscription: LiveSubscription, held: HeldSession, busy: Busy, listener: LiveListener) {
    this.#subscription = subscription;
    this.#held = held;
    this.#busy = busy;
    this.#listen(listener).then(
      () => listener.end(),
      (error: unknown) => listener.end(classify(error, { effect: "none" })),
    );
  }

  /** Never rejects. */
  async end(): Promise<void> {
    if (this.#stands) {
      this.#stands = false;
      await this.#busy.track(() => this.#subscription.kill()).catch(reportLeftover);
    }
    this.#held.release();
  }

  async #listen(listener: LiveListener): Promise<void> {
    try {
      for await (const { action, recordId: record, value } of this.#subscription) {
        if (action === "KILLED") return;
        listener.change({ action, record, value });
      }
    } finally {
      this.#stands = false;
    }
  }
}
