import { type CallContext, interrupted, untilInterrupted } from "@db/core";
import type { SurrealQueryable } from "surrealdb";
import type { Busy } from "./busy.ts";
import { SURREAL_3, type Wording, wordedIn } from "./dialect.ts";
import { classify } from "./errors.ts";
import type { Statement } from "./find-text.ts";
import { resultsOf } from "./responses.ts";
import { valuesIn } from "./scope.ts";
import type { Asked, Session } from "./session.ts";

/** Where the statements of a context are run. */
export interface EngineTarget {
  run<T>(context: CallContext, work: (queryable: Pick<SurrealQueryable, "query">) => Promise<T>): Promise<T>;
}

/**
 * Sends statements to the engine and counts those it is working on. The engine cannot be told to stop: when the signal
 * fires the caller goes, the statement ends by itself.
 */
export class EngineSession implements Session {
  readonly #target: EngineTarget;
  readonly #busy: Busy;

  constructor(target: EngineTarget, busy: Busy) {
    this.#target = target;
    this.#busy = busy;
  }

  /** The result of a single statement. */
  async ask(wording: Wording, context: CallContext, asked: Asked): Promise<unknown> {
    const start = (): Promise<unknown[]> => {
      const { text, values } = wordedIn(SURREAL_3, wording);
      return this.#target.run(context, (on) => on.query(text, valuesIn(context, values)).collect());
    };
    const [result] = await this.send(start, context, asked);
    return result;
  }

  /** The results of a text of the caller's, one a statement. */
  async query(
    text: string,
    values: Statement["values"],
    context: CallContext,
    asked: Asked,
  ): Promise<readonly unknown[]> {
    const all = valuesIn(context, values);
    const start = () => this.#target.run(context, (on) => on.query(text, all).responses());
    return resultsOf(text, await this.send(start, context, asked), asked.effect);
  }

  async send<T>(start: () => Promise<T>, context: CallContext, { effect, id, onDone }: Asked): Promise<T> {
    if (context.aborted) {
      onDone?.();
      throw interrupted(context, "none");
    }
    const answer = this.#busy.track(start).finally(onDone);
    try {
      return await untilInterrupted(answer, context, effect);
    } catch (error) {
      throw classify(error, id === undefined ? { effect } : { effect, id });
    }
  }
}
