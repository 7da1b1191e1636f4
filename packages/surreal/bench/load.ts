import { cpuOf } from "./process-cpu.ts";

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
  /** Over the first of those that it was compared with: the median of the rounds' own ratios, since a round's moments are alike. */
  readonly gain: number;
  /** Of the rounds. */
  readonly bestPerSecond: number;
  readonly medianPerSecond: number;
  /** Processor time of a call in this process, the least of the rounds. */
  readonly cpuUs: number;
  /** In the server's process, in the same round. */
  readonly serverCpuUs: number;
  /** The part of it that is the server's JavaScript; the rest is the engine. */
  readonly serverJsUs: number;
  /** Processors that both processes together kept busy, median: where that is all of them, they are the limit. */
  readonly busyCores: number;
}

interface ThroughputOptions {
  readonly callers: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly serverPid: number;
}

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly serverCpuUs: number;
  readonly serverJsUs: number;
  readonly busyCores: number;
}

/** So many callers, each with its next call as soon as it has its answer; rounds in turn. */
export async function throughputs(
  calls: readonly Call[],
  { rounds, ...options }: ThroughputOptions,
): Promise<readonly Throughput[]> {
  const done = calls.map((): Round[] => []);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, { run }] of calls.entries()) {
      const measured = await oneRound(run, options);
      if (round >= 0) done[index]?.push(measured);
    }
  }
  const [first] = done;
  return calls.map(({ name }, index) => {
    const own = done[index] ?? [];
    const sorted = (of: (round: Round, index: number) => number): readonly number[] =>
      own.map(of).sort((a, b) => a - b);
    const rates = sorted(({ perSecond }) => perSecond);
    const [cheapest] = [...own].sort((a, b) => a.cpuUs - b.cpuUs);
    return {
      name,
      callers: options.callers,
      gain: at(
        sorted(({ perSecond }, round) => perSecond / (first?.[round]?.perSecond ?? Number.NaN)),
        0.5,
        100,
      ),
      bestPerSecond: at(rates, 1),
      medianPerSecond: at(rates, 0.5),
      cpuUs: rounded(cheapest?.cpuUs),
      serverCpuUs: rounded(cheapest?.serverCpuUs),
      serverJsUs: rounded(cheapest?.serverJsUs),
      busyCores: at(
        sorted(({ busyCores }) => busyCores),
        0.5,
        100,
      ),
    };
  });
}

async function oneRound(
  run: () => Promise<unknown>,
  { callers, roundMs, serverPid }: Omit<ThroughputOptions, "rounds">,
): Promise<Round> {
  let count = 0;
  const serverBefore = cpuOf(serverPid);
  const before = process.cpuUsage();
  const start = performance.now();
  const caller = async (): Promise<void> => {
    while (performance.now() - start < roundMs) {
      await run();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const tookMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const server = cpuOf(serverPid);
  const serverUs = server.allUs - serverBefore.allUs;
  return {
    perSecond: (count / tookMs) * 1_000,
    cpuUs: (user + system) / count,
    serverCpuUs: serverUs / count,
    serverJsUs: (server.mainUs - serverBefore.mainUs) / count,
    busyCores: (user + system + serverUs) / (tookMs * 1_000),
  };
}

/** The value below which that part of the sorted values lies. */
export function at(sorted: readonly number[], part: number, scale = 10): number {
  return rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))], scale);
}

function rounded(value: number | undefined, scale = 10): number {
  return Math.round((value ?? Number.NaN) * scale) / scale;
}
