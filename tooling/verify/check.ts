/** One sentence of the acceptance list, and what was found when it was tried. */
export interface Claim {
  readonly what: string;
  readonly measured: string;
  readonly holds: boolean;
}

/** Collects what one check claims. */
export interface Claims {
  /** A sentence that holds or does not, with what was seen. */
  claim(what: string, holds: boolean, measured: string): void;
  /** A figure with its upper bound; the bound is told with the sentence. */
  atMost(what: string, value: number, bound: number, unit: string): void;
}

/** What a check stands on. All that it opens here is closed after it, however it ends. */
export interface Ground {
  /** Fires when somebody ends the run, or the check's time is over. */
  readonly signal: AbortSignal;
  use<T extends AsyncDisposable>(resource: T): T;
  defer(close: () => Promise<void>): void;
  /** A folder of its own, removed afterwards. */
  folder(): Promise<string>;
  /** Tells whoever watches what goes on now. */
  progress(text: string): void;
}

export interface Check {
  readonly name: string;
  readonly about: string;
  readonly run: (claims: Claims, ground: Ground) => Promise<void>;
}

export interface CheckResult {
  readonly name: string;
  readonly claims: readonly Claim[];
  readonly durationMs: number;
}

export function holds({ claims }: CheckResult): boolean {
  return claims.length > 0 && claims.every((claim) => claim.holds);
}
