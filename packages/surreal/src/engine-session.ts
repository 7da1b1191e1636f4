import { type CallContext, interrupted, untilInterrupted } from "@db/core";
import type { SurrealQueryable } from "surrealdb";
import { classify } from "./errors.ts";
import type { Statement } from "./find-text.ts";
import { resultsOf } from "./responses.ts";
import type { Asked, Session } from "./session.ts";

/**
 * Sends statements to the engine and counts those it is working on. The engine cannot be told to stop: when the signal
 * fires the caller goes, the statement ends by itself.
 */
export class EngineSession implements Session {
  readonly #target: Pick<SurrealQueryable, "query">;
  readonly #busy: Busy;

  constructor(target: Pick<SurrealQueryable, "query">, busy: Busy) {
    this.#target = target;
    this.#busy = busy;
  }

  /** The result of a single statement. */
  async ask(statement: Statement, context: CallContext, asked: Asked): Promise<unknown> {
    const [result] = await this.send(
      () => this.#target.query(statement.text, { ...statement.values }).collect(),
      context,
      asked,
    );
    return result;
  }

  /** The results of a text of the caller's, one a statement. */
  async query(
    text: string,
    values: Statement["values"],
    context: CallContext,
    asked: Asked,
  ): Promise<readonly unknown[]> {
    const responses = await this.send(() => this.#target.query(text, { ...values }).responses(), context, asked);
    return resultsOf(responses, asked.effect);
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

/** What the engine is working on. Closing it under way can abort the process (SDK 2.0.8), so closing waits. */
export class Busy {
  #count = 0;
  #onIdle: (() => void)[] = [];
  readonly #whole: Busy | undefined;

  /** @param whole what this is a part of */
  constructor(whole?: Busy) {
    this.#whole = whole;
  }

  async track<T>(start: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await (this.#whole === undefined ? start() : this.#whole.track(start));
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const notify of this.#onIdle.splice(0)) notify();
    }
  }

  get count(): number {
    return this.#count;
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve();
      else this.#onIdle.push(resolve);
    });
  }
}
