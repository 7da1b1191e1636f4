import { isDatabaseError } from "@db/core";

export interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const start = performance.now();
  const value = await work();
  return { value, ms: performance.now() - start };
}

/** The quickest of three, of fewer where one is quick enough: a machine that pauses is not what is measured. */
export async function quickest<T>(enoughMs: number, work: () => Promise<T>): Promise<Timed<T>> {
  let best = await timed(work);
  for (let again = 0; again < 2 && best.ms > enoughMs; again += 1) {
    const next = await timed(work);
    if (next.ms < best.ms) best = next;
  }
  return best;
}

/** The code of the error that the call ended with; `none` where it went well. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "none";
  } catch (error) {
    return isDatabaseError(error) ? error.code : String(error);
  }
}

/** Of values in any order; 0 for none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}
