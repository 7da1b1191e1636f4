import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../checks/workspace.ts";
import { type CommandResult, tryToRun } from "../packaging/command.ts";
import { EngineHome } from "./engine-home.ts";
import { mountsOf, processesOf } from "./leftovers.ts";
import { execute } from "./system.ts";

// Beside the engine that the other suites use. Where none was ever brought up, this suite must not install one; where
// none can be, as with somebody's CI that has an engine of its own, it has nothing to say.
const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
const canRun = canInstall && (process.env.REQUIRE_CONTAINERS === "1" || existsSync("/usr/bin/podman"));
if (!canRun) console.error("the container engine: skipped, needs root, apt-get and an engine that was brought up once");

const program = join(root, "tooling/container-engine/run.ts");
const nothing = { processes: [], mounts: [], folder: false };

describe.runIf(canRun)("a container engine of its own", () => {
  const home = new EngineHome(mkdtempSync("/var/tmp/db-container-engine-test-"));
  rmSync(home.folder, { recursive: true });
  afterAll(() => containers("down"));

  test("interrupted while it comes up, it leaves nothing and says by what", async () => {
    // A group of its own: Ctrl-C at a terminal goes to every program in it.
    const child = spawn("node", [program, "up", "--home", home.folder], { detached: true, stdio: "pipe" });
    const exit = once(child, "exit");
    let said = "";
    for await (const chunk of child.stderr) {
      const isFirst = !said.includes("packing");
      said += chunk;
      if (isFirst && said.includes("packing")) process.kill(-Number(child.pid), "SIGINT");
    }
    expect(await exit).toEqual([130, null]);
    expect(said).toContain("interrupted by SIGINT");
    expect({ processes: processesOf(home), mounts: mountsOf(home), folder: existsSync(home.folder) }).toEqual(nothing);
  });

  test("comes up with the image, and prints what to export", async () => {
    const { exitCode, stdout, output } = await containers("up");
    expect(exitCode, output).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^export DOCKER_HOST=unix://${home.socket}\nexport TESTCONTAINERS_\\S+\nexport TESTCONTAINERS_\\S+\nexport SURREAL_IMAGE=localhost/\\S+\n$`,
      ),
    );
    expect((await containers("status")).exitCode).toBe(0);
  });

  test("brought up again it is left as it is", async () => {
    const before = processesOf(home);
    const { exitCode, output } = await containers("up");
    expect(exitCode, output).toBe(0);
    expect(output).toContain("the engine is running already");
    expect(output).not.toContain("making the image");
    expect(processesOf(home)).toEqual(before);
  });

  test("keeps nothing open of who started it, which it outlives", () => {
    const pid = readFileSync(home.pidFile, "utf8").trim();
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(open).toContain(home.logFile);
    expect(open).not.toContain(program);
  });

  test("taken down with a container that runs, it leaves no process, mount or file; taken down again, it says so", async () => {
    const { stdout } = await containers("up");
    const image = /SURREAL_IMAGE=(\S+)/.exec(stdout)?.[1] ?? "";
    execute("podman", ["run", "--detach", "--publish", "127.0.0.1::8000", image], home.env);
    expect(processesOf(home).length).toBeGreaterThan(1);
    expect(mountsOf(home).length).toBeGreaterThan(0);
    const down = await containers("down");
    expect(down.exitCode, down.output).toBe(0);
    expect({ processes: processesOf(home), mounts: mountsOf(home), folder: existsSync(home.folder) }).toEqual(nothing);
    expect((await containers("down")).output).toContain("nothing to end");
    expect((await containers("status")).exitCode).toBe(1);
  });

  test.each([
    [["start"], 2, "expected up, status, down or prove, got start"],
    [["up", "--home", "relative"], 1, "expected --home to be an absolute path"],
    [["up", "--purge"], 1, "expected --purge with prove alone"],
    [["up", "--port", "1"], 2, "Unknown option '--port'"],
  ])("the arguments %j are refused", async (args, exitCode, message) => {
    const result = await tryToRun(["node", "tooling/container-engine/run.ts", ...args], root);
    expect(result.output).toContain(message);
    expect(result.exitCode).toBe(exitCode);
  });

  test.each(["up", "down"])("%s of a folder with files of somebody else is refused, and they stay", async (command) => {
    const others = mkdtempSync("/var/tmp/db-container-engine-others-");
    try {
      writeFileSync(join(others, "letter.txt"), "");
      const result = await tryToRun(["node", program, command, "--home", others], root);
      expect(result.output).toContain("to be new, empty or the folder of an engine, got one with letter.txt");
      expect(result.exitCode).toBe(1);
      expect(readdirSync(others)).toEqual(["letter.txt"]);
    } finally {
      rmSync(others, { recursive: true });
    }
  });

  /** With a file open, as a shell may have a lock or a pipe. */
  function containers(command: string): Promise<CommandResult> {
    const opened = ["bash", "-c", 'exec 63< "$1"; exec node "$@"', "bash"] as const;
    return tryToRun([...opened, program, command, "--home", home.folder], root);
  }
});
