import { type ChildProcess, execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "../checks/workspace.ts";

export type Command = readonly [program: string, ...args: string[]];

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** Both streams, the standard one first. */
  readonly output: string;
}

/** A program that ended with another exit code than 0; the message has all that it printed. */
export class CommandFailure extends Error {}

const running = new Set<ChildProcess>();

/** Asks every program that runs to end: what waits for one rejects, and can tidy up. For handlers of signals. */
export function endCommands(): void {
  for (const child of running) child.kill("SIGTERM");
}

/** Runs a program with the pinned tools first in its PATH, and resolves to what it printed. */
export async function run(command: Command, cwd: string, toolsOf: string = root): Promise<string> {
  const { exitCode, stdout, output } = await tryToRun(command, cwd, toolsOf);
  if (exitCode === 0) return stdout;
  throw new CommandFailure(`expected \`${command.join(" ")}\` to succeed, got exit code ${exitCode}:\n${output}`);
}

/** Like `run`, for a program whose failure is an answer. Rejects only if the program did not run to its end. */
export function tryToRun(command: Command, cwd: string, toolsOf: string = root): Promise<CommandResult> {
  const [program, ...args] = command;
  const path = [join(toolsOf, "node_modules/.bin"), process.env.PATH].join(delimiter);
  // What vitest sets for its workers must not reach a program that stands for a user's.
  const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...env } = process.env;
  const options = {
    cwd,
    env: { ...env, PATH: path, NO_COLOR: "1", TURBO_TELEMETRY_DISABLED: "1" },
    maxBuffer: 64 * 1024 * 1024,
    // A program that never ends must fail the check that waits for it.
    timeout: 300_000,
    killSignal: "SIGKILL" as const,
    shell: process.platform === "win32",
  };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      running.delete(child);
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === "number") resolve({ exitCode, stdout, output: stdout + stderr });
      else reject(new Error(`expected \`${command.join(" ")}\` to run to its end, got ${error}`, { cause: error }));
    });
    running.add(child);
  });
}
