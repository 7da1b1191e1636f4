import type { DatabaseError } from "@db/core";
import { drains } from "./channels.ts";

/** One stretch of replay, for those who watch: from its first write until nothing is in flight. */
export class Drain {
  readonly #queue: string;
  #end: PromiseWithResolvers<void> | undefined;
  #stopped: DatabaseError | undefined;

  constructor(queue: string) {
    this.#queue = queue;
  }

  /** @param pending entries at its start */
  begin(pending: number): void {
    if (this.#end !== undefined || !drains.hasSubscribers) return;
    const end = Promise.withResolvers<void>();
    this.#end = end;
    this.#stopped = undefined;
    // Its error is for those who watch; the replay has seen it already.
    drains.tracePromise(() => end.promise, { queue: this.#queue, pending }).catch(() => {});
  }

  /** It will end with this error. */
  stop(error: DatabaseError): void {
    this.#stopped = error;
  }

  end(): void {
    if (this.#stopped === undefined) this.#end?.resolve();
    else this.#end?.reject(this.#stopped);
    this.#end = undefined;
  }
}
