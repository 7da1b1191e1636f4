/**
 * Counts what goes wrong in telemetry itself. A subscriber that throws would end the process, an exporter that throws
 * would break the call it looks at: neither may happen.
 */
export class Faults {
  #count = 0;
  #last: string | undefined;

  get count(): number {
    return this.#count;
  }

  /** Where and what kind, without the message: that may hold anything. */
  get last(): string | undefined {
    return this.#last;
  }

  note(where: string, fault: unknown): void {
    this.#count += 1;
    this.#last = `${where}: ${nameOf(fault)}`;
    if (this.#count === 1) {
      process.emitWarning(
        `telemetry failed in ${this.#last}; calls go on without it (reported once)`,
        "MetricsWarning",
      );
    }
  }

  /** The same function, which throws no more. */
  guard<E>(where: string, run: (event: E) => void): (event: E) => void {
    return (event) => {
      try {
        run(event);
      } catch (fault) {
        this.note(where, fault);
      }
    };
  }
}

/** Whatever was thrown, also what throws again when looked at. */
function nameOf(fault: unknown): string {
  try {
    if (fault instanceof Error) return String(fault.name).slice(0, 100);
  } catch {
    return "an unreadable value";
  }
  return typeof fault;
}
