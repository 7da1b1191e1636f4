// Installs the pinned Node, pnpm and packages. Plain JavaScript for Node 20: it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

const stamp = "node_modules/.setup";
const manifests = ["package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ...listManifests()];
const hash = createHash("sha256");
for (const file of manifests) hash.update(file).update(readFileSync(file));
const wanted = hash.digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  const version = /^ {2}pnpm: (\S+)$/m.exec(readFileSync("pnpm-workspace.yaml", "utf8"))?.[1];
  if (version === undefined) fail("expected a line `  pnpm: X.Y.Z` in the catalog of pnpm-workspace.yaml");
  console.error(`Installing the pinned Node, pnpm ${version} and packages (once; later runs are quick) …`);
  const args = ["--yes", `pnpm@${version}`, "install", "--frozen-lockfile", "--reporter=append-only"];
  const quiet = process.argv.includes("--quiet");
  const { status, error, stdout, stderr } = spawnSync("npx", args, {
    stdio: quiet ? "pipe" : ["ignore", 2, 2],
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (error !== undefined || status !== 0) {
    if (quiet) console.error(stdout, stderr);
    fail(`the install failed (${error?.message ?? `exit code ${status}`}); is the npm registry reachable?`);
  }
  writeFileSync(stamp, wanted);
}

function listManifests() {
  return ["packages", "apps", "tooling", "docs"]
    .flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}/package.json`))
    .filter((file) => existsSync(file))
    .sort();
}

function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}
