import { spawnSync } from "node:child_process";

/** A mistake or a lack that its message tells in full. */
export class EngineError extends Error {}

const needed = ["podman", "runc", "netavark", "aardvark-dns", "iptables", "busybox-static"];

/** @throws EngineError naming what this machine lacks */
export function checkMachine(): void {
  if (process.platform !== "linux") throw new EngineError(`expected Linux, got ${process.platform}`);
  if (process.getuid?.() !== 0) throw new EngineError("expected to run as root, which mounts and networks need");
}

/** Installs what is missing of the engine's packages; nothing when all are there. */
export function installPackages(say: (text: string) => void): void {
  const missing = needed.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (spawnSync("apt-get", ["--version"]).error !== undefined) {
    throw new EngineError(`expected apt-get to install ${missing.join(", ")} with, got a machine without it`);
  }
  say(`installing ${missing.join(", ")}`);
  const install = ["install", "--yes", "--no-install-recommends", ...missing];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // The package lists of a fresh machine are empty or old; asking for them costs more than the install.
  if (spawnSync("apt-get", install, { env }).status === 0) return;
  execute("apt-get", ["update"], env);
  execute("apt-get", install, env);
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
