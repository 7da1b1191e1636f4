import { type CallContext, type DatabaseError, type Effect, interrupted, withEffect } from "@db/core";

export interface WaitOptions {
  readonly context: CallContext;
  /** What an error that ends the wait tells of the data. */
  readonly effect: Effect;
  /** Default: for ever. */
  readonly ms?: number;
}

type Group = "answer" | "connection";

interface Waiting {
  readonly group: Group;
  readonly effect: Effect;
  settle(error?: DatabaseError): void;
}

/** All calls that wait: for an answer (a delay, a hang) or for the connection to come back. */
export class Waits {
  /** A hostile driver: the signal ends no wait. */
  ignoreSignals = false;
  readonly #waiting = new Set<Waiting>();

  wait(group: Group, { context, effect, ms }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = this.ignoreSignals ? undefined : context.signal;
      const stop = (): void => waiting.settle(interrupted(context, effect));
      // The call has a deadline that keeps the process alive; a wait without a caller need not.
      const timer = ms === undefined ? undefined : setTimeout(() => waiting.settle(), ms).unref();
      const waiting: Waiting = {
        group,
        effect,
        settle: (error) => {
          this.#waiting.delete(waiting);
          clearTimeout(timer);
          signal?.removeEventListener("abort", stop);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      this.#waiting.add(waiting);
      if (signal?.aborted === true) stop();
      else signal?.addEventListener("abort", stop);
    });
  }

  /** Ends all waits of a group; without an error they go on with their calls. */
  end(group: Group, error?: DatabaseError): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.group !== group) continue;
      waiting.settle(error === undefined ? undefined : withEffect(error, waiting.effect));
    }
  }
}
