/** One kind of call, made by whoever is compared. */
export interface Call {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

export interface Latencies {
  readonly name: string;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly minUs: number;
}

/** One caller, the calls in turn, so that a slow moment of the machine hits all of them alike. */
export async function latencies(calls: readonly Call[], times: number): Promise<readonly Latencies[]> {
  const took = calls.map((): number[] => []);
  for (let round = -Math.ceil(times / 10); round < times; round += 1) {
    for (const [index, { run }] of calls.entries()) {
      const start = performance.now();
      await run();
      if (round >= 0) took[index]?.push((performance.now() - start) * 1_000);
    }
  }
  return calls.map(({ name }, index) => {
    const sorted = (took[index] ?? []).sort((a, b) => a - b);
    return {
      name,
      p50Us: at(sorted, 0.5),
      p99Us: at(sorted, 0.99),
      minUs: at(sorted, 0),
    };
  });
}

export interface Throughput {
  readonly name: string;
  readonly callers: number;
  /** Of the rounds. */
  readonly bestPerSecond: number;
  readonly medianPerSecond: number;
  /** Processor time of this process. */
  readonly cpuUs: number;
  /** Over the first of those that it was compared with: the median of the rounds' own ratios, since a round's moments are alike. */
  readonly gain: number;
}

/** So many callers, each with its next call as soon as it has its answer; rounds in turn. */
export async function throughputs(
  calls: readonly Call[],
  { callers, rounds, roundMs }: { readonly callers: number; readonly rounds: number; readonly roundMs: number },
): Promise<readonly Throughput[]> {
  const rates = calls.map((): number[] => []);
  const cpu = calls.map((): number[] => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, { run }] of calls.entries()) {
      const { perSecond, cpuUs } = await oneRound(run, callers, roundMs);
      if (round < 0) continue;
      rates[index]?.push(perSecond);
      cpu[index]?.push(cpuUs);
    }
  }
  const first = [...(rates[0] ?? [])];
  return calls.map(({ name }, index) => {
    const gains = (rates[index] ?? []).map((rate, round) => rate / (first[round] ?? Number.NaN));
    const sorted = (rates[index] ?? []).sort((a, b) => a - b);
    return {
      name,
      callers,
      gain: Math.round((gains.sort((a, b) => a - b)[Math.floor(gains.length / 2)] ?? Number.NaN) * 100) / 100,
      bestPerSecond: at(sorted, 1),
      medianPerSecond: at(sorted, 0.5),
      cpuUs: Math.round(Math.min(...(cpu[index] ?? [])) * 10) / 10,
    };
  });
}

async function oneRound(
  run: () => Promise<unknown>,
  callers: number,
  roundMs: number,
): Promise<{ readonly perSecond: number; readonly cpuUs: number }> {
  let count = 0;
  const start = performance.now();
  const before = process.cpuUsage();
  const caller = async (): Promise<void> => {
    while (performance.now() - start < roundMs) {
      await run();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (count / (performance.now() - start)) * 1_000, cpuUs: (user + system) / count };
}

/** The value below which that part of the sorted values lies. */
export function at(sorted: readonly number[], part: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}
