import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The service as a process of its own. */
export interface ChildService {
  readonly process: ChildProcess;
  /** Resolves to its address once it is ready. @throws what it printed, if it ended before */
  ready(): Promise<string>;
  /** Its exit code, or the signal that killed it. */
  readonly exit: Promise<number | NodeJS.Signals>;
  stdout(): string;
  stderr(): string;
}

type Environment = Readonly<Record<string, string>>;

/** Starts it; it ends with the test at the latest. */
export function spawnService(env: Environment, args: readonly string[] = []): ChildService {
  return spawnChild(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], env);
}

/** Starts it by `npm start`, whose process is npm's; without the install before. What npm leaves behind ends with the test. */
export function spawnNpmStart(env: Environment): ChildService {
  const service = spawnChild("npm", ["start", "--ignore-scripts"], env, true);
  onTestFinished(() => {
    try {
      process.kill(-(service.process.pid ?? Number.NaN), "SIGKILL");
    } catch {
      // Nobody of the group is left.
    }
  });
  return service;
}

function spawnChild(command: string, args: readonly string[], env: Environment, detached = false): ChildService {
  const child = spawn(command, args, {
    cwd: ROOT,
    detached,
    env: { PATH: process.env.PATH, PORT: "0", LOG_LEVEL: "info", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const exit = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return {
    process: child,
    exit,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    async ready() {
      for (;;) {
        const url = /ready on (\S+)/.exec(output.stdout)?.[1];
        if (url !== undefined) return url;
        const ended = await Promise.race([exit, once(child.stdout, "data").then(() => undefined)]);
        if (ended !== undefined) throw new Error(`ended with ${ended}: ${output.stderr}`);
      }
    },
  };
}

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "notes-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
