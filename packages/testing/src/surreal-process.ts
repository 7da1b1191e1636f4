import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Answer, Command, Served } from "./surreal-control.ts";
import type { SurrealStats } from "./surreal-options.ts";

const TAIL_CHARACTERS = 4_000;

interface Waiting {
  resolve(value: Served | SurrealStats | undefined): void;
  reject(error: Error): void;
}

/** The child process that serves: told what to do over IPC. It does not keep this process, unless an answer is due. */
export class SurrealProcess {
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #errors = "";

  constructor() {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#child = fork(new URL(`./surreal-child.${extension}`, import.meta.url), {
      // Neither the debugger's options nor a test runner's are for it.
      execArgv: ["--disable-warning=ExperimentalWarning"],
      env: { ...process.env, NODE_OPTIONS: "" },
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.on("message", (answer: Answer) => this.#settle(answer));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#errors = (this.#errors + text).slice(-TAIL_CHARACTERS);
    });
    this.gone = once(this.#child, "close").then(() => this.#rejectAll());
    this.#release();
  }

  get pid(): number | undefined {
    return this.isGone ? undefined : this.#child.pid;
  }

  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  tell(command: Command): Promise<Served | SurrealStats | undefined> {
    if (!this.#child.connected) return Promise.reject(this.#goneError());
    this.#hold();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, ...command });
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isGone) this.#child.kill(signal);
  }

  /** Resolves when it is gone, and keeps this process until then. */
  async untilGone(): Promise<void> {
    this.#hold();
    await this.gone;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#release();
    if ("error" in answer)
      waiting?.reject(Object.assign(new Error(answer.error), answer.code && { code: answer.code }));
    else waiting?.resolve(answer.value);
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.values()) reject(this.#goneError());
    this.#waiting.clear();
  }

  #goneError(): Error {
    const { exitCode, signalCode } = this.#child;
    const end = signalCode === null ? `code ${exitCode}` : signalCode;
    return new Error(`the SurrealDB server is gone (${end})${this.#errors === "" ? "" : `: ${this.#errors.trim()}`}`);
  }

  #hold(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  #release(): void {
    this.#child.unref();
    this.#child.channel?.unref();
    const errors: unknown = this.#child.stderr;
    (errors as { unref?: () => void } | null)?.unref?.();
  }
}
