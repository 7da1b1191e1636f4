import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { publishedMembers, readManifest, root } from "../checks/workspace.ts";
import { run } from "../packaging/command.ts";
import { Consumer } from "../packaging/consumer.ts";
import { pack, type Tarball } from "../packaging/tarball.ts";
import type { EngineHome } from "./engine-home.ts";
import { makeRootFilesystem } from "./root-filesystem.ts";
import { execute } from "./system.ts";

const program = join(root, "tooling/surreal-image");
const repository = "localhost/surreal-embedded";

/** The image of the test server for what the sources are now. Asks no image registry. */
export class SurrealImage implements Disposable {
  /** It says which engine is in it. */
  readonly name: string;
  readonly #home: EngineHome;
  readonly #scratch: string;
  #program: Promise<string> | undefined;

  constructor(home: EngineHome) {
    this.name = nameOfSources();
    this.#home = home;
    // In the engine's folder, so that `down` removes also what an end by SIGKILL has left.
    mkdirSync(home.folder, { recursive: true, mode: 0o700 });
    this.#scratch = mkdtempSync(home.imageDraft);
  }

  exists(): boolean {
    return spawnSync("podman", ["image", "exists", this.name], { env: this.#home.env }).status === 0;
  }

  /** Packs and installs what is in the image, once; that needs no engine yet. */
  prepare(): Promise<string> {
    this.#program ??= installProgram(this.#scratch);
    return this.#program;
  }

  /** Makes the image and removes those of earlier sources. */
  async make(): Promise<void> {
    const rootfs = join(this.#scratch, "rootfs");
    makeRootFilesystem(rootfs, await this.prepare(), process.execPath);
    const podman = (...args: string[]): string => execute("podman", args, this.#home.env);
    const changes = [
      "WORKDIR /app",
      "EXPOSE 8000",
      'ENTRYPOINT ["/bin/node","--disable-warning=ExperimentalWarning","/app/main.ts"]',
      'CMD ["start"]',
    ].flatMap((change) => ["--change", change]);
    const old = podman("images", "--quiet", repository).split("\n").filter(Boolean);
    const script = 'folder=$1; shift; tar --create --directory "$folder" . | podman import --quiet "$@"';
    const args = ["-o", "pipefail", "-c", script, "bash", rootfs, ...changes, "-", this.name];
    await run(["env", ...this.#home.settings, "bash", ...args], root);
    // One in use stays until its container is gone.
    if (old.length > 0) spawnSync("podman", ["rmi", ...new Set(old)], { env: this.#home.env });
  }

  [Symbol.dispose](): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

function nameOfSources(): string {
  const { version: engine } = readManifest(join(program, "node_modules/@surrealdb/node"));
  const hash = createHash("sha256");
  const sources = ["packages/core/src", "packages/testing/src", "tooling/surreal-image", "tooling/container-engine"];
  const files = sources.flatMap((folder) => globSync(`${folder}/*.{ts,json}`, { cwd: root })).sort();
  for (const file of ["pnpm-lock.yaml", ...files]) hash.update(file).update(readFileSync(join(root, file)));
  return `${repository}:${engine}-${hash.digest("hex").slice(0, 12)}`;
}

/** The program with the packages that it imports, installed from their tarballs as a user would. */
async function installProgram(scratch: string): Promise<string> {
  const members = publishedMembers().filter(({ manifest }) => ["@db/core", "@db/testing"].includes(manifest.name));
  await run(["tsc", "-b", ...members.map(({ folder }) => folder)], root);
  const packed = members.map(async (member): Promise<[string, Tarball]> => {
    return [member.manifest.name, await pack(member, scratch, root)];
  });
  const tarballs = new Map(await Promise.all(packed));
  const { dependencies = {} } = readManifest(program);
  const catalog = new Map(
    Object.keys(dependencies).map((name) => [name, readManifest(join(program, "node_modules", name)).version ?? "*"]),
  );
  const consumer = new Consumer(join(scratch, "app"), { tarballs, catalog });
  // The SDK's peers are compilers, for types alone.
  await consumer.install(Object.keys(dependencies), { peers: false });
  for (const file of ["main.ts", "arguments.ts"]) cpSync(join(program, file), join(consumer.folder, file));
  return consumer.folder;
}
