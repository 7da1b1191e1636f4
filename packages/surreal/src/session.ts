import type { CallContext, Effect } from "@db/core";
import type { Wording } from "./dialect.ts";
import type { Statement } from "./find-text.ts";

/** Runs statements in the scope of their context, wherever the database is. */
export interface Session {
  /** The result of a single statement. */
  ask(statement: Wording, context: CallContext, asked: Asked): Promise<unknown>;
  /** The results of a text of the caller's, one a statement. */
  query(text: string, values: Statement["values"], context: CallContext, asked: Asked): Promise<readonly unknown[]>;
}

/** How a statement is run: told to whoever waits, and to whoever must know that the engine still works on it. */
export interface Asked {
  /** What may have happened once it was sent, if the answer is not awaited. */
  readonly effect: Effect;
  /** The record it writes. */
  readonly id?: string;
  /** Runs when the engine is done with it, also when nobody waits any more: locks are held until then. */
  readonly onDone?: () => void;
}
