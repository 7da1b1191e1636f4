import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

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

  /** What makes podman use this folder and nothing of the machine's. */
  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      CONTAINERS_CONF: join(this.folder, "containers.conf"),
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
    write("containers.conf", [
      "[containers]",
      // The default is above what the machine may give, and then nothing starts (EPERM of setrlimit).
      `default_ulimits = ["nofile=${files}:${files}", "nproc=4096:4096"]`,
      "[engine]",
      // crun refuses a machine with both versions of control groups; runc does not.
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      'lock_type = "file"',
      `tmp_dir = "${join(this.folder, "tmp")}"`,
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
