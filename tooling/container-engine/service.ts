import { spawn } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout } from "node:timers/promises";
import type { EngineHome } from "./engine-home.ts";
import { EngineError } from "./system.ts";

const startTimeoutMs = 10_000;
const stopTimeoutMs = 5_000;

/** Pipes and locks of whoever started the engine, which it outlives: they would wait for its end. */
const closeInherited = 'cd /proc/$$/fd; for fd in *; do ((fd > 2)) && exec {fd}>&-; done; cd /; exec "$@"';

/** Starts the service that answers the Docker API, unless it answers already. */
export async function startService(home: EngineHome): Promise<"started" | "running"> {
  if (await isAnswering(home)) return "running";
  await stopService(home);
  rmSync(home.socket, { force: true });
  const log = openSync(home.logFile, "a");
  const podman = ["podman", "system", "service", "--time=0", `unix://${home.socket}`];
  // A group of its own: Ctrl-C at the terminal that started it is not meant for it.
  const child = spawn("bash", ["-c", closeInherited, "bash", ...podman], {
    env: home.env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  writeFileSync(home.pidFile, `${child.pid}\n`);
  for (const giveUpAt = performance.now() + startTimeoutMs; performance.now() < giveUpAt; await setTimeout(50)) {
    if (await isAnswering(home)) return "started";
    if (child.exitCode !== null) break;
  }
  throw new EngineError(`expected podman to answer on ${home.socket}, got\n${readFileSync(home.logFile, "utf8")}`);
}

/** Ends the service that was noted, if that process is still it. */
export async function stopService(home: EngineHome): Promise<void> {
  const pid = servicePid(home);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    const killAt = performance.now() + stopTimeoutMs;
    while (servicePid(home) !== undefined) {
      if (performance.now() > killAt) process.kill(pid, "SIGKILL");
      await setTimeout(50);
    }
  }
  rmSync(home.pidFile, { force: true });
}

/** A number may be another process's by now, so its command line must name our socket. */
export function servicePid(home: EngineHome): number | undefined {
  if (!existsSync(home.pidFile)) return undefined;
  const pid = Number(readFileSync(home.pidFile, "utf8"));
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(home.socket) ? pid : undefined;
  } catch {
    // No such process.
    return undefined;
  }
}

export function isAnswering(home: EngineHome): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath: home.socket, path: "/_ping", timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on("error", () => resolve(false));
    ping.on("timeout", () => ping.destroy());
    ping.end();
  });
}
