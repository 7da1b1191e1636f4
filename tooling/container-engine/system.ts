import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** A mistake or a lack that its message tells in full. */
export class EngineError extends Error {}

/** Packages of Debian. */
export const needed: readonly string[] = ["podman", "runc", "netavark", "aardvark-dns", "iptables", "busybox-static"];

/** @throws EngineError naming what this machine lacks */
export function checkMachine(): void {
  if (process.platform !== "linux") throw new EngineError(`expected Linux, got ${process.platform}`);
  if (process.getuid?.() !== 0) throw new EngineError("expected to run as root, which mounts and networks need");
}

/** What the engine needs of the system's packages and this machine has not. */
export function missingPackages(): readonly string[] {
  return needed.filter((name) => !isInstalled(name));
}

export async function installPackages(missing: readonly string[]): Promise<void> {
  if (spawnSync("apt-get", ["--version"]).error !== undefined) {
    throw new EngineError(`expected apt-get to install ${missing.join(", ")} with, got a machine without it`);
  }
  const install = ["install", "--yes", "--no-install-recommends", ...missing];
  // The package lists of a fresh machine are empty or old; asking for them costs more than the install.
  const { exitCode } = await aptGet(install);
  if (exitCode === 0) return;
  for (const args of [["update"], install]) {
    const { exitCode, output } = await aptGet(args);
    if (exitCode !== 0) throw new EngineError(`expected \`apt-get ${args.join(" ")}\` to succeed, got\n${output}`);
  }
}

/** In a session of its own: Ctrl-C must not leave packages that are half installed. */
async function aptGet(args: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const command = ["-c", 'exec apt-get "$@" 2>&1', "sh", ...args];
  const child = spawn("sh", command, { env, detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { exitCode: child.exitCode, output };
}

function isInstalled(name: string): boolean {
  const { status, stdout } = spawnSync("dpkg", ["--status", name], { encoding: "utf8" });
  return status === 0 && stdout.includes("\nStatus: install ok installed\n");
}

/** Runs a program to its end and gives what it printed. @throws EngineError with its output when it fails */
export function execute(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, error, stdout, stderr } = spawnSync(program, args, { env, encoding: "utf8", timeout: 300_000 });
  if (status === 0) return stdout;
  throw new EngineError(
    `expected \`${[program, ...args].join(" ")}\` to succeed, got ${error?.message ?? `exit code ${status}`}\n${stdout}${stderr}`,
  );
}
