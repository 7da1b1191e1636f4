import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { EngineError } from "./system.ts";

const configuration = "containers.conf";

/** Everything of the engine is in one folder: its configuration, images, containers, socket and log. */
export class EngineHome {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get socket(): string {
    return join(this.folder, "podman.sock");
  }

  get pidFile(): string {
    return join(this.folder, "service.pid");
  }

  get logFile(): string {
    return join(this.folder, "service.log");
  }

  /** How the folders begin in which images are made. */
  get imageDraft(): string {
    return join(this.folder, "image-");
  }

  /**
   * Whoever ends an engine removes its folder, and what runs in it.
   *
   * @throws EngineError where there are files that are not an engine's
   */
  refuseOthersFiles(): void {
    if (!existsSync(this.folder)) return;
    const strange = readdirSync(this.folder).filter((name) => !name.startsWith(basename(this.imageDraft)));
    if (strange.length === 0 || this.#isConfigured()) return;
    throw new EngineError(
      `expected ${this.folder} to be new, empty or the folder of an engine, got one with ${strange.slice(0, 3).join(", ")}`,
    );
  }

  /** By what stays to the end the rest is known as an engine's, should this be broken off. */
  remove(): void {
    for (const name of readdirSync(this.folder)) {
      if (name !== configuration) rmSync(join(this.folder, name), { recursive: true, force: true });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #isConfigured(): boolean {
    const file = join(this.folder, configuration);
    return existsSync(file) && readFileSync(file, "utf8").includes(this.#temporaryFolder);
  }

  get #temporaryFolder(): string {
    return `tmp_dir = "${join(this.folder, "tmp")}"`;
  }

  /** What makes podman use this folder and nothing of the machine's. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#settings };
  }

  /** The same, as arguments of `env`. */
  get settings(): readonly string[] {
    return Object.entries(this.#settings).map(([name, value]) => `${name}=${value}`);
  }

  get #settings(): Readonly<Record<string, string>> {
    return {
      CONTAINERS_CONF: join(this.folder, configuration),
      CONTAINERS_STORAGE_CONF: join(this.folder, "storage.conf"),
      // Images are made here; without a list of registries a short name fails at once.
      CONTAINERS_REGISTRIES_CONF: join(this.folder, "registries.conf"),
    };
  }

  /** Writes the configuration; the same each time. */
  configure(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    mkdirSync(join(this.folder, "networks"), { recursive: true });
    const write = (name: string, lines: readonly string[]): void =>
      writeFileSync(join(this.folder, name), `${lines.join("\n")}\n`);
    const files = execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim();
    write(configuration, [
      "[containers]",
      // The default is above what the machine may give, and then nothing starts (EPERM of setrlimit).
      `default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]`,
      "[engine]",
      // crun refuses a machine with both versions of control groups; runc does not.
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      'lock_type = "file"',
      this.#temporaryFolder,
      `volume_path = "${join(this.folder, "volumes")}"`,
      "[network]",
      'network_backend = "netavark"',
      `network_config_dir = "${join(this.folder, "networks")}"`,
    ]);
    write("storage.conf", [
      "[storage]",
      'driver = "overlay"',
      `graphroot = "${join(this.folder, "storage")}"`,
      `runroot = "${join(this.folder, "run")}"`,
    ]);
    write("registries.conf", ['unqualified-search-registries = ["docker.io"]']);
  }
}
