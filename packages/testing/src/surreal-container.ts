import { setTimeout } from "node:timers/promises";
import { GenericContainer, Wait } from "testcontainers";
import { containerEngine } from "./container-engine.ts";
import {
  type ContainerSettings,
  checkContainer,
  INNER_PATH,
  INNER_PORT,
  type StartSurrealContainerOptions,
} from "./container-options.ts";
import { freePort } from "./free-port.ts";
import type { SurrealServer } from "./start-surreal.ts";

/** A SurrealDB server in a container: what `startSurreal` gives, as far as a container allows. */
export interface SurrealContainer extends SurrealServer {
  /** Of the engine. */
  readonly id: string;
  readonly image: string;
  /** Of the server's process, where the engine runs on this machine. */
  readonly pid: number | undefined;
  /** Kills it if it is running, and starts it again on the same port with the data that it has. Takes no faults. */
  restart(faults?: Readonly<Record<string, never>>): Promise<void>;
  /** Freezes every process in the container: sockets stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Rejects: a container has no control channel. Put a fault proxy between the client and `port`. */
  fault(): Promise<never>;
  /** Rejects, as `fault` does. */
  heal(): Promise<never>;
  /** Rejects, as `fault` does. */
  stats(): Promise<never>;
  /** Ends it in good order, within two seconds by SIGKILL, and removes it with its data. */
  close(): Promise<void>;
}

const STOP_SECONDS = 2;
/** For its end once it was sent a signal, as a server in a child process has it. */
const KILL_AFTER_MS = 5_000;
const POLL_MS = 25;
/** How long testcontainers waits for an answer, and from one question to the next. Its own is a second. */
const HEALTH_POLL_MS = 250;

/**
 * Starts a SurrealDB server in a container; the port is open on the loopback interface alone. Needs the package
 * `testcontainers` and a container engine, which `DOCKER_HOST` names if it is not at its usual place.
 * @throws TypeError for an option that is unknown or wrong
 * @throws Error when there is no engine, the image cannot be had, or it takes too long
 */
export async function startSurrealContainer(options: StartSurrealContainerOptions = {}): Promise<SurrealContainer> {
  const settings = checkContainer(options, process.env);
  const { signal } = options;
  signal?.throwIfAborted();
  const starting = start(settings);
  if (signal === undefined) return starting;
  const aborted = Promise.withResolvers<never>();
  const giveUp = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", giveUp);
  try {
    return await Promise.race([starting, aborted.promise]);
  } catch (error) {
    // The engine cannot be called back: what it starts nevertheless is removed once it has.
    if (signal.aborted) starting.then((container) => container.close()).catch(warn);
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

async function start(settings: ContainerSettings): Promise<SurrealContainer> {
  const engine = await containerEngine();
  const port = settings.port === 0 ? await freePort() : settings.port;
  const isLocal = ["localhost", "127.0.0.1"].includes(engine.info.containerRuntime.host);
  const host = isLocal ? "127.0.0.1" : engine.info.containerRuntime.host;
  const creation = new ServerContainer(settings, port, isLocal);
  let handle: Handle;
  try {
    handle = engine.container.getById((await creation.start()).getId());
  } catch (error) {
    // What was made before it failed stays with the engine otherwise, a port in use being found last.
    if (creation.id !== undefined) await removeIfThere(engine.container.getById(creation.id));
    throw error;
  }
  const container = new StartedContainer(handle, settings, host, port);
  try {
    await container.untilServing();
    return container;
  } catch (error) {
    await container.close();
    throw error;
  }
}

class ServerContainer extends GenericContainer {
  id: string | undefined;
  readonly #port: number;
  readonly #isLocal: boolean;

  constructor({ image, engine, arguments: start, startTimeoutMs }: ContainerSettings, port: number, isLocal: boolean) {
    super(image);
    this.#port = port;
    this.#isLocal = isLocal;
    this.withCommand([...start])
      .withExposedPorts({ container: INNER_PORT, host: port })
      .withWaitStrategy(
        Wait.forHttp("/health", INNER_PORT, { abortOnContainerExit: true }).withReadTimeout(HEALTH_POLL_MS),
      )
      .withStartupTimeout(startTimeoutMs)
      .withLabels({ "db.testing": "surreal" });
    // The official image's own user may not write anywhere.
    if (engine !== "mem") this.withUser("root");
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.id = id;
  }

  /** The names and passwords of tests are known: nobody else should reach it. */
  protected override async beforeContainerCreated(): Promise<void> {
    if (!this.#isLocal) return;
    this.hostConfig.PortBindings = {
      [`${INNER_PORT}/tcp`]: [{ HostIp: "127.0.0.1", HostPort: String(this.#port) }],
    };
  }
}

type Handle = ReturnType<Awaited<ReturnType<typeof containerEngine>>["container"]["getById"]>;

class StartedContainer implements SurrealContainer {
  readonly port: number;
  readonly image: string;
  readonly path: string | undefined;
  readonly #handle: Handle;
  readonly #host: string;
  readonly #startTimeoutMs: number;
  #pid: number | undefined;
  #isPaused = false;
  #isClosed = false;

  constructor(handle: Handle, { image, engine, startTimeoutMs }: ContainerSettings, host: string, port: number) {
    this.#handle = handle;
    this.#host = host;
    this.#startTimeoutMs = startTimeoutMs;
    this.port = port;
    this.image = image;
    this.path = engine === "mem" ? undefined : INNER_PATH;
  }

  get id(): string {
    return this.#handle.id;
  }

  get url(): string {
    return `ws://${this.#host}:${this.port}/rpc`;
  }

  get httpUrl(): string {
    return `http://${this.#host}:${this.port}/rpc`;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.resume();
    if (!(await this.#isRunning())) return;
    await this.#handle.kill({ signal });
    await this.#untilStopped();
    this.#pid = undefined;
  }

  /** The first process of a container is deaf to every signal that it has no handler for, but SIGKILL. */
  async #untilStopped(): Promise<void> {
    const stopped = new AbortController();
    const late = setTimeout(KILL_AFTER_MS, undefined, { signal: stopped.signal }).then(() =>
      this.#handle.kill({ signal: "SIGKILL" }),
    );
    // Rejects too when it stopped by itself just then.
    late.catch(() => {});
    try {
      await this.#handle.wait();
    } finally {
      stopped.abort();
    }
  }

  async restart(faults: Readonly<Record<string, never>> = {}): Promise<void> {
    if (Object.keys(faults).length > 0) return this.fault();
    await this.kill();
    await this.#handle.start();
    await this.untilServing();
  }

  async pause(): Promise<void> {
    if (this.#isPaused) return;
    await this.#handle.pause();
    this.#isPaused = true;
  }

  async resume(): Promise<void> {
    if (!this.#isPaused) return;
    await this.#handle.unpause();
    this.#isPaused = false;
  }

  fault(): Promise<never> {
    return Promise.reject(new Error("a container has no control channel: put a fault proxy in front of its port"));
  }

  heal(): Promise<never> {
    return this.fault();
  }

  stats(): Promise<never> {
    return this.fault();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.resume();
    if (await this.#isRunning()) await this.#handle.stop({ t: STOP_SECONDS });
    await this.#handle.remove({ force: true, v: true });
    this.#pid = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async untilServing(): Promise<void> {
    const health = new URL("/health", this.httpUrl);
    const giveUpAt = performance.now() + this.#startTimeoutMs;
    while (!(await isHealthy(health))) {
      if (performance.now() > giveUpAt || !(await this.#isRunning())) {
        const log = await this.#handle.logs({ stdout: true, stderr: true, tail: 20, follow: false });
        throw new Error(`expected the SurrealDB container to answer on ${health}, got\n${log}`);
      }
      await setTimeout(POLL_MS);
    }
    this.#pid = (await this.#handle.inspect()).State.Pid;
  }

  async #isRunning(): Promise<boolean> {
    return (await this.#handle.inspect()).State.Running;
  }
}

/** Testcontainers itself has removed what did not become healthy. */
async function removeIfThere(handle: Handle): Promise<void> {
  try {
    await handle.remove({ force: true, v: true });
  } catch (error) {
    if (!(error instanceof Error && "statusCode" in error && error.statusCode === 404)) throw error;
  }
}

async function isHealthy(health: URL): Promise<boolean> {
  try {
    return (await fetch(health, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    // Not yet, or no more.
    return false;
  }
}

function warn(error: unknown): void {
  process.emitWarning(`removing a container that was given up failed: ${String(error)}`, "SurrealContainerWarning");
}
