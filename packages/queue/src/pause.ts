const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

/** A time in which nothing is applied, doubled each time until something is, with jitter. Keeps no process alive. */
export class Pause {
  readonly #over: () => void;
  #timer: NodeJS.Timeout | undefined;
  #ms = 0;

  constructor(over: () => void) {
    this.#over = over;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  begin(): void {
    if (this.#timer !== undefined) return;
    this.#ms = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, this.#ms * 2));
    const run = (): void => {
      this.#timer = undefined;
      this.#over();
    };
    this.#timer = setTimeout(run, this.#ms * (0.5 + Math.random() / 2)).unref();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The next one is short again. */
  reset(): void {
    this.#ms = 0;
  }
}
