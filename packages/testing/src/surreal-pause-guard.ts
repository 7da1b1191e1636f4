import { type ChildProcess, spawn } from "node:child_process";

/** Waits for a line. At the end of the input without one, whoever held the other end is dead. */
const SCRIPT = 'trap "" INT TERM HUP; read -r line || { kill -9 "$1"; [ -z "$2" ] || rm -rf -- "$2"; }';

/**
 * A paused process cannot see its parent die, and would stay for ever. As long as it is paused, a shell looks after it:
 * it kills the process, and removes its folder, when this process ends without having released the guard.
 */
export class PauseGuard {
  readonly #shell: ChildProcess;

  constructor(pid: number, removable: string | undefined) {
    this.#shell = spawn("/bin/sh", ["-c", SCRIPT, "sh", String(pid), removable ?? ""], {
      stdio: ["pipe", "ignore", "ignore"],
      // Killed with the group of this process, it would leave the one it looks after.
      detached: true,
    });
    // Without a shell the pause is not guarded, which is no reason to fail.
    this.#shell.on("error", () => {});
    this.#shell.stdin?.on("error", () => {});
    this.#shell.unref();
    const input: unknown = this.#shell.stdin;
    (input as { unref?: () => void } | null)?.unref?.();
  }

  release(): void {
    this.#shell.stdin?.end("\n");
  }
}
