import { makeFolder, removeFolder } from "./made-folders.ts";
import type { Served } from "./surreal-control.ts";
import { checkFaults, NO_FAULTS, type SurrealFaults } from "./surreal-faults.ts";
import { type CheckedOptions, checkStart, type StartSurrealOptions, type SurrealStats } from "./surreal-options.ts";
import { SurrealProcess } from "./surreal-process.ts";

/** For an answer of the child, and for its end once it was asked to end. */
const ANSWER_TIMEOUT_MS = 5_000;

/** A SurrealDB server in a child process, which dies with this one. */
export interface SurrealServer extends AsyncDisposable {
  /** For clients over WebSocket: `ws://127.0.0.1:PORT/rpc`. */
  readonly url: string;
  /** For clients over HTTP: `http://127.0.0.1:PORT/rpc`. */
  readonly httpUrl: string;
  readonly port: number;
  /** The folder of the data; undefined for `mem`. */
  readonly path: string | undefined;
  /** Undefined while it is not running. */
  readonly pid: number | undefined;
  /** Sends a signal, by default SIGKILL, and resolves when the process is gone: if it stays for five seconds, by SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same port and path, by `kill` if it is running, with these faults and no others. */
  restart(faults?: Partial<SurrealFaults>): Promise<void>;
  /** Stops the process where it stands (SIGSTOP, not on Windows): sockets stay open, nothing is answered. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
  /** Switches faults on or off; those that are not named stay as they are. */
  fault(faults: Partial<SurrealFaults>): Promise<void>;
  /** Switches all faults off. */
  heal(): Promise<void>;
  stats(): Promise<SurrealStats>;
  /** Ends it in good order (SIGTERM), and removes the folder if `startSurreal` made it. */
  close(): Promise<void>;
}

/**
 * Starts a server of SurrealDB's protocol over the real embedded engine, in a child process on the loopback interface.
 * Needs the packages `@surrealdb/node`, `surrealdb` and `ws`.
 * @throws TypeError for an option that is unknown or wrong
 * @throws Error when the engine cannot open, the port is in use (`code: "EADDRINUSE"`) or it takes too long
 */
export async function startSurreal(options: StartSurrealOptions = {}): Promise<SurrealServer> {
  const { startTimeoutMs, ...checked } = checkStart(options);
  const made = checked.engine !== "mem" && checked.path === undefined ? await makeFolder("surreal-") : undefined;
  const server = new StartedServer({ ...checked, path: checked.path ?? made }, made, startTimeoutMs);
  try {
    await server.start(options.signal);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

class StartedServer implements SurrealServer {
  readonly #made: string | undefined;
  readonly #startTimeoutMs: number;
  #options: CheckedOptions;
  #process: SurrealProcess | undefined;

  constructor(options: CheckedOptions, made: string | undefined, startTimeoutMs: number) {
    this.#options = options;
    this.#made = made;
    this.#startTimeoutMs = startTimeoutMs;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/rpc`;
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.port}/rpc`;
  }

  get port(): number {
    return this.#options.port;
  }

  get path(): string | undefined {
    return this.#options.path;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async start(signal?: AbortSignal): Promise<void> {
    const child = new SurrealProcess(this.#made);
    this.#process = child;
    const aborted = Promise.withResolvers<never>();
    const giveUp = (): void => aborted.reject(signal?.reason);
    signal?.addEventListener("abort", giveUp);
    try {
      signal?.throwIfAborted();
      const command = { do: "serve", options: this.#options, removePath: this.#made !== undefined } as const;
      const { port } = (await Promise.race([child.tell(command, this.#startTimeoutMs), aborted.promise])) as Served;
      this.#options = { ...this.#options, port };
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.#process?.kill(signal, ANSWER_TIMEOUT_MS);
  }

  async restart(faults: Partial<SurrealFaults> = {}): Promise<void> {
    await this.kill();
    this.#options = { ...this.#options, faults: checkFaults(faults) };
    await this.start();
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  async fault(faults: Partial<SurrealFaults>): Promise<void> {
    await this.#running().tell({ do: "fault", faults: checkFaults(faults) }, ANSWER_TIMEOUT_MS);
  }

  heal(): Promise<void> {
    return this.fault(NO_FAULTS);
  }

  async stats(): Promise<SurrealStats> {
    return (await this.#running().tell({ do: "stats" }, ANSWER_TIMEOUT_MS)) as SurrealStats;
  }

  async close(): Promise<void> {
    await this.kill("SIGTERM");
    if (this.#made !== undefined) await removeFolder(this.#made);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #running(): SurrealProcess {
    if (this.#process === undefined) throw new Error("the SurrealDB server is not running");
    return this.#process;
  }
}
