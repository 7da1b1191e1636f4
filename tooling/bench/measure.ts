/** One thing to measure: an operation that is awaited again and again. */
export interface Case {
  readonly name: string;
  readonly run: () => unknown;
}

export interface Measured {
  readonly name: string;
  readonly minNs: number;
  readonly medianNs: number;
  /** Heap allocated by one operation, garbage included. */
  readonly bytes: number;
}

export interface CompareOptions {
  /** Operations of a round. Default 20,000. */
  readonly operations?: number;
  /** Rounds of each case, in turn with the others. Default 15. */
  readonly rounds?: number;
}

/**
 * Measures cases in one process, round by round in turn, so that a slow moment of the machine hits all of them alike:
 * quote their ratios. Needs `node --expose-gc
 * --min-semi-space-size=64` for the bytes.
 */
export async function compare(cases: readonly Case[], options: CompareOptions = {}): Promise<readonly Measured[]> {
  const { operations = 20_000, rounds = 15 } = options;
  const times = cases.map((): number[] => []);
  const bytes = cases.map((): number[] => []);
  for (const { run } of cases) await repeat(run, operations * 2);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { run }] of cases.entries()) {
      const start = performance.now();
      await repeat(run, operations);
      times[index]?.push(((performance.now() - start) * 1e6) / operations);
      bytes[index]?.push(await allocated(run, operations));
    }
  }
  return cases.map(({ name }, index) => ({
    name,
    minNs: Math.round(Math.min(...(times[index] ?? []))),
    medianNs: Math.round(median(times[index] ?? [])),
    bytes: Math.round(median(bytes[index] ?? [])),
  }));
}

async function repeat(run: () => unknown, operations: number): Promise<void> {
  for (let count = 0; count < operations; count += 1) await run();
}

/** Growth of the heap over a stretch short enough for the young generation to hold without a collection. */
async function allocated(run: () => unknown, operations: number): Promise<number> {
  const stretch = Math.min(operations, 1_000);
  globalThis.gc?.({ type: "minor" });
  const before = process.memoryUsage().heapUsed;
  await repeat(run, stretch);
  return (process.memoryUsage().heapUsed - before) / stretch;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
