import { at, type Call } from "./load.ts";

export interface Soak {
  readonly callers: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of this process, after a collection: in the first tenth, and at the end. */
  readonly heapFirstMb: number;
  readonly heapLastMb: number;
}

/** So many callers at a given rate all together, for a while. Needs `--expose-gc`. */
export async function soak(
  { run }: Call,
  { callers, seconds, perSecond }: { readonly callers: number; readonly seconds: number; readonly perSecond: number },
): Promise<Soak> {
  const took: number[] = [];
  let errors = 0;
  const start = performance.now();
  const end = start + seconds * 1_000;
  const everyMs = (callers / perSecond) * 1_000;
  const caller = async (_: unknown, index: number): Promise<void> => {
    let due = start + (everyMs * index) / callers;
    while (due < end) {
      const waitMs = due - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const began = performance.now();
      await run().catch(() => {
        errors += 1;
      });
      took.push(performance.now() - began);
      // Who was late catches up no more than one call.
      due = Math.max(due + everyMs, performance.now() - everyMs);
    }
  };
  const heaps: number[] = [];
  const sample = setInterval(() => heaps.push(heapMb()), (seconds * 1_000) / 10);
  await Promise.all(Array.from({ length: callers }, caller));
  clearInterval(sample);
  const sorted = took.sort((a, b) => a - b);
  return {
    callers,
    seconds,
    perSecond: Math.round(sorted.length / seconds),
    errors,
    p50Ms: at(sorted, 0.5),
    p99Ms: at(sorted, 0.99),
    maxMs: at(sorted, 1),
    heapFirstMb: heaps[0] ?? Number.NaN,
    heapLastMb: heaps.at(-1) ?? Number.NaN,
  };
}

function heapMb(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().heapUsed / 104_857.6) / 10;
}
