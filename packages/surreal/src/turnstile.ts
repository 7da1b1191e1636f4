import { type CallContext, interrupted } from "@db/core";

/** Gives back what was taken. To be called once. */
export type Release = () => void;

interface Waiter {
  readonly alone: boolean;
  admit(): void;
}

const NOBODY: Waiter[] = [];

/**
 * Lets callers through together or alone, in the order they came: one that wants to be alone holds up those behind it,
 * so neither kind starves. A caller whose signal fires leaves the line and nothing has happened.
 */
export class Turnstile {
  /** Made when somebody has to wait: most turnstiles see nobody who has. */
  #line: Waiter[] = NOBODY;
  /** How many are inside; −1 for one that is alone. */
  #inside = 0;

  get idle(): boolean {
    return this.#inside === 0 && this.#line.length === 0;
  }

  async enter(alone: boolean, context: CallContext): Promise<Release> {
    if (this.isOpen(alone)) this.enterNow(alone);
    else await this.#wait(alone, context);
    return () => this.leave(alone);
  }

  /** Whether a caller who comes now need not wait. */
  isOpen(alone: boolean): boolean {
    return this.#line.length === 0 && this.#isFree(alone);
  }

  /** To be called only while it is open; ends with `leave`. */
  enterNow(alone: boolean): void {
    this.#inside = alone ? -1 : this.#inside + 1;
  }

  leave(alone: boolean): void {
    this.#inside = alone ? 0 : this.#inside - 1;
    if (this.#line.length > 0) this.#next();
  }

  #wait(alone: boolean, context: CallContext): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal } = context;
      const giveUp = (): void => {
        this.#line.splice(this.#line.indexOf(waiter), 1);
        reject(interrupted(context, "none"));
        this.#next();
      };
      const waiter: Waiter = {
        alone,
        admit: () => {
          signal.removeEventListener("abort", giveUp);
          this.enterNow(alone);
          resolve();
        },
      };
      if (signal.aborted) {
        reject(interrupted(context, "none"));
        return;
      }
      if (this.#line === NOBODY) this.#line = [];
      this.#line.push(waiter);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }

  #isFree(alone: boolean): boolean {
    return alone ? this.#inside === 0 : this.#inside >= 0;
  }

  #next(): void {
    let first = this.#line[0];
    while (first !== undefined && this.#isFree(first.alone)) {
      this.#line.shift();
      first.admit();
      first = this.#line[0];
    }
  }
}
