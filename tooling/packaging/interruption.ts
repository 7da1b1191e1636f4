import { constants } from "node:os";
import { endCommands } from "./command.ts";

/**
 * From its construction on a signal that asks this program to end does so to the programs that it runs instead. What
 * waits for one of them then rejects, tidies up, and the program ends by itself.
 */
export class Interruption {
  #by: NodeJS.Signals | undefined;

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        this.#by ??= signal;
        endCommands();
      });
    }
  }

  get by(): NodeJS.Signals | undefined {
    return this.#by;
  }

  /** As a shell has it for a program that a signal ended; undefined when there was none. */
  get exitCode(): number | undefined {
    return this.#by === undefined ? undefined : 128 + constants.signals[this.#by];
  }

  /** For between two steps of which the first is not a program. */
  throwIfAny(): void {
    if (this.#by !== undefined) throw new Error(`interrupted by ${this.#by}`);
  }
}
