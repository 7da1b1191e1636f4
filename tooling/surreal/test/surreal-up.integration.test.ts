import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";

const state = mkdtempSync(join(tmpdir(), "surreal-up-"));
const file = join(state, "server.json");
/** What two processes may take to start, one after the other. */
const START_MS = 20_000;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(
  command: "up" | "down",
  ...args: readonly string[]
): { child: ChildProcess; ended: Promise<Ended>; out: () => string } {
  const script = fileURLToPath(new URL(`../${command}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, "--state", state, ...args], {
    timeout: START_MS,
    // A machine may have no other program than Node.
    env: { ...process.env, PATH: "" },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  // Its output must be closed too: held by a server that is left running, it would keep whoever reads it waiting.
  const ended = once(child, "close").then(([code]): Ended => ({ code, out, err }));
  return { child, ended, out: () => out };
}

const run = (command: "up" | "down", ...args: readonly string[]): Promise<Ended> => start(command, ...args).ended;

afterEach(() => run("down"));
afterAll(() => rmSync(state, { recursive: true }));

test("up leaves a server running, a second up is refused, down stops it", async () => {
  const up = await run("up", "--port", "0");
  expect(up).toMatchObject({ code: 0, err: "" });
  const url = /ws:\/\/(127\.0\.0\.1:\d+)\/rpc/.exec(up.out)?.[1];
  expect(up.out).toContain("nothing is kept");
  expect(up.out).toContain(`npm run surreal:down -- --state ${state}`);
  expect((await fetch(`http://${url}/health`)).status).toBe(200);
  const second = await run("up", "--port", "0");
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining(`a server runs already on ws://${url}/rpc`) });
  expect(await run("down")).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Stopped the server on ws://${url}`),
  });
  await expect(fetch(`http://${url}/health`)).rejects.toThrow("fetch failed");
  expect(await run("down")).toMatchObject({ code: 0, out: "No server runs.\n" });
});

test("up with a path keeps the data there, and a path that cannot be opened is told", async () => {
  const path = join(state, "data");
  expect((await run("up", "--port", "0", "--path", path)).out).toContain(`rocksdb: the data is in ${path}.`);
  await run("down");
  const blocked = join(state, "blocked");
  writeFileSync(blocked, "a file, not a folder");
  expect(await run("up", "--port", "0", "--path", blocked)).toMatchObject({
    code: 1,
    err: expect.stringContaining("the server could not start: "),
  });
});

test("in the foreground it stays until Ctrl-C, and ends well", async () => {
  const { child, ended, out } = start("up", "--port", "0", "--foreground");
  await expect.poll(out, { timeout: START_MS }).toContain("Ctrl-C stops it.");
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 0, out: expect.stringContaining("Stopped."), err: "" });
});

test("in the foreground it stops when its starter is killed by kill -9", async () => {
  const { child, ended, out } = start("up", "--port", "0", "--foreground");
  await expect.poll(out, { timeout: START_MS }).toContain("Ctrl-C stops it.");
  const url = /127\.0\.0\.1:\d+/.exec(out())?.[0];
  child.kill("SIGKILL");
  await ended;
  await expect.poll(() => fetch(`http://${url}/health`).then(String, String)).toContain("fetch failed");
});

test("down leaves a process alone that got the pid after the server", async () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, id: "surreal-of-yesterday", url: "ws://127.0.0.1:1/rpc" }));
  expect(await run("down")).toMatchObject({ code: 0, out: "No server runs.\n" });
  expect(() => readFileSync(file)).toThrow("ENOENT");
});

test("what is asked wrongly is refused with the usage", async () => {
  for (const [args, message] of [
    [["--prot", "1"], "--prot"],
    [["--port", "x"], "expected --port to be a number in 0..65535, got x"],
    [["--engine", "tikv"], "expected --engine to be mem, surrealkv or rocksdb, got tikv"],
    [["--engine", "rocksdb"], "expected a --path for the engine rocksdb"],
  ] as const)
    expect(await run("up", ...args)).toMatchObject({ code: 2, err: expect.stringContaining(message) });
  expect(await run("down", "now")).toMatchObject({ code: 2, err: expect.stringContaining("Usage") });
  expect(await run("up", "--help")).toMatchObject({ code: 0, out: expect.stringContaining("--foreground") });
  expect(await run("down", "--help")).toMatchObject({ code: 0, out: expect.stringContaining("surreal:up started") });
});
