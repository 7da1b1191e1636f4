import { type ChildProcess, fork } from "node:child_process";
import type { Answer, Command } from "./surreal-control.ts";
import { PauseGuard } from "./surreal-pause-guard.ts";

const TAIL_CHARACTERS = 4_000;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The child process that serves: told what to do over IPC. It does not keep this process, unless an answer is due. */
export class SurrealProcess {
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #removable: string | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #guard: PauseGuard | undefined;
  #lastId = 0;
  #errors = "";
  #isGone = false;

  /** @param removable a folder to remove if this process dies without having ended the server */
  constructor(removable: string | undefined) {
    this.#removable = removable;
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#child = fork(new URL(`./surreal-child.${extension}`, import.meta.url), {
      // Neither the debugger's options nor a test runner's are for it.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      env: { ...process.env, NODE_OPTIONS: "" },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A signal to the group of this process, as of Ctrl-C or of a terminal that is closed, is for this process: ended by
      // it at the same time, the server could not see that nobody is left to remove its folder.
      detached: process.platform !== "win32",
    });
    this.#child.on("message", (answer: Answer) => this.#settle(answer));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-TAIL_CHARACTERS);
    });
    this.gone = new Promise<void>((resolve) => {
      this.#child.on("close", () => resolve());
      this.#child.on("error", (error) => {
        this.#errors = error.message;
        // Of a process that never was, nothing closes.
        if (this.#child.pid === undefined) resolve();
      });
    }).then(() => this.#end());
    this.#release();
  }

  get pid(): number | undefined {
    return this.#isGone ? undefined : this.#child.pid;
  }

  /** Rejects when it is gone, or does not answer in time. */
  tell(command: Command, timeoutMs: number): Promise<unknown> {
    if (!this.#child.connected) return Promise.reject(this.#goneError());
    this.#child.ref();
    this.#child.channel?.ref();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const late = new Error(`the SurrealDB server did not answer "${command.do}" within ${timeoutMs} ms`);
      const timer = setTimeout(() => this.#settle({ id, error: late.message, code: undefined }), timeoutMs);
      this.#waiting.set(id, {
        resolve: (value) => resolve(clearTimeout(timer) ?? value),
        reject: (error) => reject(clearTimeout(timer) ?? error),
      });
      // If it cannot be sent, the channel is closed and the process about to be gone.
      this.#child.send({ id, ...command }, () => {});
    });
  }

  /** Sends a signal, wakes it if it was paused, and resolves when it is gone: by SIGKILL if it takes too long. */
  async kill(signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
    if (this.#isGone) return;
    this.#child.kill(signal);
    this.resume();
    this.#child.ref();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), timeoutMs);
    await this.gone;
    clearTimeout(timer);
  }

  pause(): void {
    const { pid } = this;
    if (pid === undefined || this.#guard !== undefined) return;
    this.#guard = new PauseGuard(pid, this.#removable);
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    if (this.#guard === undefined) return;
    this.#child.kill("SIGCONT");
    this.#guard.release();
    this.#guard = undefined;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#release();
    if ("error" in answer)
      waiting?.reject(Object.assign(new Error(answer.error), answer.code !== undefined && { code: answer.code }));
    else waiting?.resolve(answer.value);
  }

  #end(): void {
    this.#isGone = true;
    this.#guard?.release();
    this.#guard = undefined;
    for (const { reject } of this.#waiting.values()) reject(this.#goneError());
    this.#waiting.clear();
  }

  #goneError(): Error {
    const { exitCode, signalCode } = this.#child;
    const end = signalCode ?? (exitCode === null ? "it was not started" : `code ${exitCode}`);
    return new Error(`the SurrealDB server is gone (${end})${this.#errors === "" ? "" : `: ${this.#errors.trim()}`}`);
  }

  #release(): void {
    this.#child.unref();
    this.#child.channel?.unref();
    const errors: unknown = this.#child.stderr;
    (errors as { unref?: () => void } | null)?.unref?.();
  }
}
