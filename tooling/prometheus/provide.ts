import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cache, findPrometheus, type Prometheus, PrometheusError } from "./find.ts";

/**
 * Prometheus of this machine; where there is none, that of Debian's package, unpacked into a cache and not installed.
 * @throws PrometheusError saying what is missing
 */
export function providePrometheus(say: (text: string) => void = () => {}): Prometheus {
  const found = findPrometheus();
  if (found !== undefined) return found;
  if (process.platform !== "linux" || spawnSync("apt-get", ["--version"]).error !== undefined) {
    throw new PrometheusError(
      "expected promtool and prometheus on the PATH, or apt-get to fetch them with, got neither",
    );
  }
  fetchPackage(say);
  const fetched = findPrometheus();
  if (fetched === undefined)
    throw new PrometheusError(`expected promtool and prometheus in ${cache}, got a package without`);
  return fetched;
}

function fetchPackage(say: (text: string) => void): void {
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "draft-"));
  try {
    say("fetching the Debian package prometheus (20 MB)");
    const download = ["download", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20", "prometheus"];
    if (!succeeds("apt-get", download, draft)) {
      // The lists of a fresh machine are empty; only root may ask for them.
      succeeds("apt-get", ["update"], draft);
      execute("apt-get", download, draft);
    }
    const [archive] = globSync("*.deb", { cwd: draft });
    if (archive === undefined) throw new PrometheusError("expected apt-get to fetch a package, got no file");
    execute("dpkg", ["-x", archive, cache], draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function succeeds(program: string, args: readonly string[], cwd: string): boolean {
  return spawnSync(program, args, { cwd, timeout: 120_000 }).status === 0;
}

function execute(program: string, args: readonly string[], cwd: string): void {
  const { status, error, stderr } = spawnSync(program, args, { cwd, timeout: 120_000, encoding: "utf8" });
  if (status === 0) return;
  const got = error?.message ?? `exit code ${status}: ${stderr.trim()}`;
  throw new PrometheusError(`expected \`${[program, ...args].join(" ")}\` to succeed, got ${got}`);
}
