import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The server that was started here, as it is noted for `surreal:down`. */
export interface Running {
  readonly pid: number;
  /** Stands in the arguments of the process, which tells it from another that got the pid after it. */
  readonly id: string;
  readonly url: string;
}

/** The note of the server that runs, if one does; a note of one that is gone is removed. */
export function findRunning(state: string): Running | undefined {
  const noted = readNote(state);
  if (noted === undefined || isOurs(noted)) return noted;
  forget(state);
  return undefined;
}

export function note(state: string, running: Running): void {
  mkdirSync(state, { recursive: true });
  writeFileSync(fileOf(state), JSON.stringify(running));
}

export function forget(state: string): void {
  rmSync(fileOf(state), { force: true });
}

/** Whether the process of this pid is the one that was noted, and not another that got the pid after it. */
export function isOurs({ pid, id }: Running): boolean {
  return argumentsOf(pid).includes(id);
}

/** Empty where there is no such process, or it is dead and nobody has collected it yet. */
function argumentsOf(pid: number): string {
  const isLinux = process.platform === "linux";
  try {
    // Slim images have no `ps`.
    if (isLinux) return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch (error) {
    // By its exit code `ps` tells that there is none; where it could not be run, nobody knows.
    const isTold = isLinux || (error instanceof Error && "status" in error && error.status === 1);
    if (isTold) return "";
    throw error;
  }
}

function readNote(state: string): Running | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(state), "utf8")) as Running;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function fileOf(state: string): string {
  return join(state, "server.json");
}
