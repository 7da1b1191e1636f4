import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import type { Report } from "../lab/lab.ts";

const MAIN = fileURLToPath(new URL("../lab/main.ts", import.meta.url));

export interface LabProcess {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
}

/** The lab as `npm run lab` starts it; it ends with the test. */
export function startLab(args: readonly string[], onProgress: (text: string) => void = () => {}): LabProcess {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onProgress(text);
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  });
  return { child, stdout: () => stdout, stderr: () => stderr };
}

export interface RandomRuns {
  readonly code: number | null;
  readonly reports: readonly Report[];
  /** What the lab told while it played: the seed, each run, the summary. */
  readonly log: string;
}

/** Plays random scenarios in one lab, against one service and one database. */
export async function playRandom(runs: number, onProgress?: (text: string) => void): Promise<RandomRuns> {
  const lab = startLab(["--random", String(runs), "--json"], onProgress);
  const [code] = (await once(lab.child, "close")) as [number | null];
  const stdout = lab.stdout();
  if (stdout === "") throw new Error(`expected the reports of ${runs} runs, got exit code ${code}:\n${lab.stderr()}`);
  return { code, reports: JSON.parse(stdout) as readonly Report[], log: lab.stderr() };
}

/** That every write is accounted for, and that the service was back in time after each fault. */
export function expectNothingLost({ code, reports, log }: RandomRuns, runs: number): void {
  // The first line of a long message is the one that is read.
  const faulty = reports.flatMap(({ scenario, faults }) => faults.map((fault) => `${scenario}: ${fault}`));
  expect(faulty, `${faulty.join("; ")}\n${log}`).toEqual([]);
  expect(reports).toHaveLength(runs);
  for (const { sent, confirmed, queued, refused, lost, doubled, recoveredMs, standstillMs } of reports) {
    expect(confirmed).toBeGreaterThan(0);
    expect(sent).toBe(confirmed + queued + refused);
    expect([lost, doubled]).toEqual([0, 0]);
    expect(recoveredMs).not.toBeNull();
    // A machine that pauses is not the service's.
    expect((recoveredMs ?? 0) - standstillMs.recovered).toBeLessThanOrEqual(2_000);
  }
  expect(code, log).toBe(0);
}
