import { type BackgroundPhase, publishError } from "./channels.ts";
import { isThenable } from "./hook-call.ts";
import type { ErrorClass, Settings } from "./options.ts";
import type { Counters } from "./stats.ts";

/** Errors that belong to no caller: told to whoever listens, counted, and never thrown. */
export class Faults {
  readonly #settings: Pick<Settings<unknown>, "name" | "classify">;
  readonly #counters: Counters;

  constructor(settings: Pick<Settings<unknown>, "name" | "classify">, counters: Counters) {
    this.#settings = settings;
    this.#counters = counters;
  }

  report(phase: BackgroundPhase, error: unknown): void {
    this.#counters.backgroundErrors += 1;
    publishError({ pool: this.#settings.name, phase, error });
  }

  /** What was to answer at once and gave a promise: its failure is no unhandled rejection. */
  watch(phase: BackgroundPhase, result: unknown): void {
    if (isThenable(result)) Promise.resolve(result).then(undefined, (error: unknown) => this.report(phase, error));
  }

  /** Undefined when the user gave no way to tell. */
  classify(error: unknown): ErrorClass | undefined {
    const { classify } = this.#settings;
    if (classify === undefined) return undefined;
    try {
      const found: unknown = classify(error);
      if (typeof found === "string") return found as ErrorClass;
      this.watch("classify", found);
      return undefined;
    } catch (fault) {
      this.report("classify", fault);
      return undefined;
    }
  }
}
