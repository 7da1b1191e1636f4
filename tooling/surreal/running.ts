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
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).includes(id);
  } catch {
    // It tells by its exit code that there is no such process.
    return false;
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
