import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publishedMembers, readManifest, root } from "../checks/workspace.ts";
import { run } from "../packaging/command.ts";
import { Consumer } from "../packaging/consumer.ts";
import { pack } from "../packaging/tarball.ts";
import type { EngineHome } from "./engine-home.ts";
import { makeRootFilesystem } from "./root-filesystem.ts";
import { execute } from "./system.ts";

const program = join(root, "tooling/surreal-image");
const repository = "localhost/surreal-embedded";

/** The name of the image for what the sources are now; it says which engine is in it. */
function surrealImageName(): string {
  const { version: engine } = readManifest(join(program, "node_modules/@surrealdb/node"));
  const hash = createHash("sha256");
  const sources = ["packages/core/src", "packages/testing/src", "tooling/surreal-image", "tooling/container-engine"];
  const files = sources.flatMap((folder) => globSync(`${folder}/*.{ts,json}`, { cwd: root })).sort();
  for (const file of ["pnpm-lock.yaml", ...files]) hash.update(file).update(readFileSync(join(root, file)));
  return `${repository}:${engine}-${hash.digest("hex").slice(0, 12)}`;
}

/** Builds the image unless the engine has it, and removes those of earlier sources. Asks no image registry. */
export async function buildSurrealImage(home: EngineHome, say: (text: string) => void): Promise<string> {
  const name = surrealImageName();
  const podman = (...args: string[]): string => execute("podman", args, home.env);
  if (spawnSync("podman", ["image", "exists", name], { env: home.env }).status === 0) return name;
  const scratch = mkdtempSync(join(tmpdir(), "db-surreal-image-"));
  try {
    say("packing and installing the test server");
    const app = await installProgram(scratch);
    say(`making the image ${name}`);
    const rootfs = join(scratch, "rootfs");
    makeRootFilesystem(rootfs, app, process.execPath);
    const archive = join(scratch, "rootfs.tar");
    execute("tar", ["--create", "--directory", rootfs, "--file", archive, "."]);
    const changes = [
      "WORKDIR /app",
      "EXPOSE 8000",
      'ENTRYPOINT ["/bin/node","--disable-warning=ExperimentalWarning","/app/main.ts"]',
      'CMD ["start"]',
    ].flatMap((change) => ["--change", change]);
    const old = podman("images", "--quiet", repository).split("\n").filter(Boolean);
    podman("import", "--quiet", ...changes, archive, name);
    // One in use stays until its container is gone.
    if (old.length > 0) spawnSync("podman", ["rmi", ...new Set(old)], { env: home.env });
    return name;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The program with the packages that it imports, installed from their tarballs as a user would. */
async function installProgram(scratch: string): Promise<string> {
  const members = publishedMembers().filter(({ manifest }) => ["@db/core", "@db/testing"].includes(manifest.name));
  await run(["tsc", "-b", ...members.map(({ folder }) => folder)], root);
  const tarballs = new Map();
  for (const member of members) tarballs.set(member.manifest.name, await pack(member, scratch, root));
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
