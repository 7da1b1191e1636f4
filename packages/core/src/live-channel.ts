import type { DatabaseError } from "./errors.ts";
import type { LiveChange, LiveEvent, LiveResync } from "./live.ts";

/**
 * Between a driver that is told of changes and the consumer of one live query: a bounded buffer. For adapters.
 * Iterate it once; the iteration is done when the signal fires or after `end()`, and throws what `end` was given.
 */
export class LiveChannel implements AsyncIterable<LiveEvent> {
  readonly #bufferSize: number;
  readonly #signal: AbortSignal;
  #changes: LiveChange[] = [];
  /** Comes before all that is buffered. */
  #resync: LiveResync["reason"] | undefined;
  #ended: { readonly error: DatabaseError | undefined } | undefined;
  #wake: () => void = () => {};

  constructor(bufferSize: number, signal: AbortSignal) {
    this.#bufferSize = bufferSize;
    this.#signal = signal;
  }

  change(change: LiveChange): void {
    if (this.#ended !== undefined) return;
    if (this.#changes.length < this.#bufferSize) this.#changes.push(change);
    else this.gap("overflow");
    this.#wake();
  }

  /** Whoever reads again needs nothing of what came before, so the buffer is emptied. */
  gap(reason: LiveResync["reason"]): void {
    this.#changes = [];
    this.#resync ??= reason;
    this.#wake();
  }

  /** No more will come. What is buffered is still given. */
  end(error?: DatabaseError): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LiveEvent, void, undefined> {
    const wake = (): void => this.#wake();
    this.#signal.addEventListener("abort", wake);
    try {
      while (!this.#signal.aborted) {
        const event = this.#take();
        if (event !== undefined) yield event;
        else if (this.#ended === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
        else if (this.#ended.error === undefined) return;
        else throw this.#ended.error;
      }
    } finally {
      this.#signal.removeEventListener("abort", wake);
      this.#ended ??= { error: undefined };
      this.#changes = [];
    }
  }

  #take(): LiveEvent | undefined {
    const reason = this.#resync;
    if (reason === undefined) return this.#changes.shift();
    this.#resync = undefined;
    return { action: "resync", reason };
  }
}
