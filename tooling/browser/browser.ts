// Finds Chromium for the tests that look at pages, or installs it: `npm run browser`.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";

const usage = `Usage: npm run browser

Prints where a Chromium for the tests that look at pages is: CHROMIUM_PATH if it is set, else that of the PATH. Where there
is none it installs Debian's, as root.

Options:
  --help   show this text
`;

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The path of a browser: `CHROMIUM_PATH` if it is set, else what the PATH has. */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { CHROMIUM_PATH: given } = env;
  if (given !== undefined && given !== "") return isExecutable(given) ? given : undefined;
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

/** Why there is none, and what to do; for whoever skips a test. */
export const noBrowser =
  "no Chromium: run `npm run browser` (Debian, as root), or set CHROMIUM_PATH; REQUIRE_BROWSER=1 makes this a failure";

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install(): string | undefined {
  if (process.getuid?.() !== 0 || !isExecutable("/usr/bin/apt-get")) return undefined;
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    console.log(`apt-get ${args.join(" ")} …`);
    const { status } = spawnSync("apt-get", args, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    if (status !== 0) return undefined;
  }
  return findBrowser();
}

function main(): number {
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean" } } });
    if (values.help === true) {
      console.log(usage);
      return 0;
    }
  } catch (error) {
    console.error(`browser: ${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  const path = findBrowser() ?? install();
  if (path === undefined) console.error(noBrowser);
  else console.log(path);
  return path === undefined ? 1 : 0;
}

if (import.meta.main) process.exitCode = main();
