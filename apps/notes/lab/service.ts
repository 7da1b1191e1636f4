import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const START_MS = 20_000;
const STOP_MS = 15_000;

/** The notes service in a process of its own, which can be killed and started again on the same port and data. */
export class Service {
  readonly url: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  constructor(port: number, env: Readonly<Record<string, string>>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#env = { ...process.env, ...env, PORT: String(port) };
  }

  /** Resolves when requests are served. What does not start in time is killed. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN], {
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-4_000);
    });
    if (await saysReady(child)) return;
    await this.kill();
    throw new Error(`expected the service to start, got this from it:\n${errors}`);
  }

  /** As the kernel would for want of memory: nothing is said, nothing is saved. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), STOP_MS);
    await this.#end("SIGTERM");
    clearTimeout(timer);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }
}

/** Its own word, not an answer from its port: there another service may listen, which nobody wants to be written to. */
function saysReady(child: ChildProcessByStdio<null, Readable, Readable>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), START_MS);
  let said = "";
  const listen = (text: string): void => {
    said += text;
    if (said.includes(" ready on ")) resolve(true);
  };
  child.stdout.setEncoding("utf8").on("data", listen);
  child.once("close", () => resolve(false));
  return promise.finally(() => {
    clearTimeout(timer);
    child.stdout.off("data", listen);
    // It goes on to say things, and would wait for somebody to take them.
    child.stdout.resume();
  });
}
