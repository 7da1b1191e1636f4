import { type ChildProcess, spawn } from "node:child_process";
import { root } from "./workspace.ts";

export interface ChildResult {
  /** `null` when a signal ended the program. */
  readonly exitCode: number | null;
  /** Both streams as they came; empty when `output` is "inherit". */
  readonly output: string;
}

export interface ChildOptions {
  readonly output: "capture" | "inherit";
  readonly env: NodeJS.ProcessEnv;
}

const graceMs = 5_000;
const ownGroup = process.platform !== "win32";
const running = new Set<ChildProcess>();

/** Runs a program of `node_modules/.bin` in a process group of its own, so that nothing it started survives it. */
export function runChild(command: readonly [string, ...string[]], options: ChildOptions): Promise<ChildResult> {
  const [program, ...args] = command;
  const stream = options.output === "inherit" ? "inherit" : "pipe";
  const child = spawn(program, args, {
    cwd: root,
    env: options.env,
    stdio: ["ignore", stream, stream],
    detached: ownGroup,
    shell: !ownGroup,
  });
  running.add(child);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      running.delete(child);
      reject(new Error(`expected to start ${program}, got ${error.message}`, { cause: error }));
    });
    child.once("exit", () => {
      running.delete(child);
      // What outlived its parent would hold ports and files of the next step, and the pipe that "close" waits for.
      signalGroup(child, "SIGKILL");
    });
    child.once("close", (exitCode) => {
      resolve({ exitCode, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Asks everything running to end, and ends it after five seconds if it did not. */
export function endChildren(): void {
  for (const child of running) {
    signalGroup(child, "SIGTERM");
    setTimeout(() => signalGroup(child, "SIGKILL"), graceMs).unref();
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (ownGroup) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch (error) {
    // ESRCH: the group is gone already, which is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
