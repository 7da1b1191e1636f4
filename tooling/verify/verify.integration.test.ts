import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

interface Run {
  readonly child: ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: NodeJS.ReadableStream;
  readonly code: Promise<number | null>;
}

function start(...args: readonly string[]): Run {
  return startIn(process.env, ...args);
}

function startIn(env: NodeJS.ProcessEnv, ...args: readonly string[]): Run {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const code = once(child, "close").then(([status]) => status as number | null);
  return { child, stdout: text(child.stdout), stderr: child.stderr, code };
}

test.each(["validation", "crud", "health", "version"])("what %s claims holds, and is told as JSON", async (name) => {
  const run = start("--only", name, "--json");
  run.stderr.resume();
  const [result] = JSON.parse(await run.stdout) as { name: string; holds: boolean; claims: { holds: boolean }[] }[];
  expect(result).toMatchObject({ name, holds: true });
  expect(result?.claims.length).toBeGreaterThan(2);
  expect(await run.code).toBe(0);
});

test("a wrong option is 2, with what was expected; --help is 0", async () => {
  const wrong = start("--only", "speed");
  expect(await text(wrong.stderr)).toMatch(/^--only: expected one of connect, .*got "speed"\n\nUsage: npm run verify/);
  expect(await wrong.code).toBe(2);
  const help = start("--help");
  expect(await help.stdout).toMatch(/--json[\s\S]*queue {9}writes of an outage/);
  expect(await help.code).toBe(0);
});

test.runIf(process.platform === "linux")("Ctrl-C stops all that was started, says so and ends with 130", async () => {
  const run = start("--only", "load");
  let told = "";
  run.stderr.setEncoding?.("utf8");
  run.stderr.on("data", (chunk: string) => {
    told += chunk;
  });
  await expect.poll(() => told, { timeout: 20_000 }).toContain("warming up");
  const children = childrenOf(run.child.pid ?? 0);
  expect(children).toHaveLength(1);
  run.child.kill("SIGINT");
  expect(await run.code).toBe(130);
  expect(told).toContain("interrupted; everything that was started is stopped");
  expect(children.filter(isAlive)).toEqual([]);
});

test.runIf(process.platform === "linux")("killed by kill -9 it leaves nothing running", async () => {
  const folder = mkdtempSync(join(tmpdir(), "verify-killed-"));
  const run = startIn({ ...process.env, TMPDIR: folder }, "--only", "outage");
  let told = "";
  run.stderr.setEncoding?.("utf8");
  run.stderr.on("data", (chunk: string) => {
    told += chunk;
  });
  await expect.poll(() => told, { timeout: 20_000 }).toContain("cut off");
  const children = childrenOf(run.child.pid ?? 0);
  expect(children, "the database and the service").toHaveLength(2);
  run.child.kill("SIGKILL");
  await expect.poll(() => children.filter(isAlive), { timeout: 15_000 }).toEqual([]);
  rmSync(folder, { recursive: true });
});

function childrenOf(parent: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

/** NaN for a process that has ended meanwhile, also where nobody has collected it (Z). */
function parentOf(pid: number): number {
  try {
    return Number(/\) [^Z] (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}

function isAlive(pid: number): boolean {
  return !Number.isNaN(parentOf(pid));
}
