import { execFile } from "node:child_process";
import { type Prometheus, PrometheusError, providePrometheus } from "@db/prometheus";

/** The real programs; undefined where this machine cannot have them, which is said. REQUIRE_PROMETHEUS=1 forbids that. */
export function toolsOrSkip(): Prometheus | undefined {
  try {
    return providePrometheus();
  } catch (error) {
    if (!(error instanceof PrometheusError) || process.env.REQUIRE_PROMETHEUS === "1") throw error;
    console.error(`skipped, for want of Prometheus: ${error.message}`);
    return undefined;
  }
}

export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

export function run(program: string, args: readonly string[], cwd?: string | URL, input?: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? -1), output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}
