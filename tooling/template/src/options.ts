export interface StopwatchOptions {
  /**
   * The time that `remainingMs()` counts down from, in milliseconds: a finite number, 0 or more. The default of
   * 30,000 is that of a database call.
   */
  readonly limitMs?: number;
}

/** @throws TypeError for an unknown option or a value outside its bounds */
export function readOptions(options: StopwatchOptions): Required<StopwatchOptions> {
  const { limitMs = 30_000, ...unknown } = options;
  const [key] = Object.keys(unknown);
  if (key !== undefined) throw new TypeError(`expected the option limitMs, got ${key}`);
  if (!Number.isFinite(limitMs) || limitMs < 0) {
    throw new TypeError(`expected limitMs to be a finite number of 0 or more, got ${limitMs} (${typeof limitMs})`);
  }
  return Object.freeze({ limitMs });
}
