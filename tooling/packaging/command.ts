import { execFile } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "../checks/workspace.ts";

/** Runs a program with the pinned tools first in its PATH, and resolves to what it printed. */
export function run(
  command: readonly [program: string, ...args: string[]],
  cwd: string,
  toolsOf: string = root,
): Promise<string> {
  const [program, ...args] = command;
  const path = [join(toolsOf, "node_modules/.bin"), process.env.PATH].join(delimiter);
  // NODE_OPTIONS and what vitest sets for its workers must not reach a program that stands for a user's.
  const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...env } = process.env;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      {
        cwd,
        env: { ...env, PATH: path, NO_COLOR: "1", TURBO_TELEMETRY_DISABLED: "1" },
        maxBuffer: 64 * 1024 * 1024,
        shell: process.platform === "win32",
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(new Error(`expected \`${command.join(" ")}\` to succeed, got:\n${stdout}${stderr}`, { cause: error }));
      },
    );
  });
}
