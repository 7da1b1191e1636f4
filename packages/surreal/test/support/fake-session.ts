import type { CallContext } from "@db/core";
import { SURREAL_3, type Wording, wordedIn } from "../../src/dialect.ts";
import type { Statement } from "../../src/find-text.ts";
import type { Asked, Session } from "../../src/session.ts";

/** A session whose answers a test gives; it notes what it was asked. */
export class FakeSession implements Session {
  readonly asked: Statement[] = [];
  answer: (statement: Statement, context: CallContext) => unknown;

  constructor(answer: (statement: Statement, context: CallContext) => unknown) {
    this.answer = answer;
  }

  async ask(wording: Wording, context: CallContext, { onDone }: Asked): Promise<unknown> {
    const statement = wordedIn(SURREAL_3, wording);
    this.asked.push(statement);
    try {
      return await this.answer(statement, context);
    } finally {
      onDone?.();
    }
  }

  async query(): Promise<never> {
    throw new Error("nobody asks for this");
  }
}
