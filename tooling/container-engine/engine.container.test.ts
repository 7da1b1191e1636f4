import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../checks/workspace.ts";
import { type CommandResult, tryToRun } from "../packaging/command.ts";
import { EngineHome } from "./engine-home.ts";
import { mountsOf, processesOf } from "./leftovers.ts";
import { execute } from "./system.ts";

// Beside the engine that the other suites use. Where none was ever brought up, this suite must not install one.
const canRun = process.env.REQUIRE_CONTAINERS === "1" || (process.getuid?.() === 0 && existsSync("/usr/bin/podman"));

describe.runIf(canRun)("a container engine of its own", () => {
  const home = new EngineHome(mkdtempSync("/var/tmp/db-container-engine-test-"));
  rmSync(home.folder, { recursive: true });
  afterAll(() => containers("down"));

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

  test("taken down with a container that runs, it leaves no process, mount or file; taken down again, it says so", async () => {
    const { stdout } = await containers("up");
    const image = /SURREAL_IMAGE=(\S+)/.exec(stdout)?.[1] ?? "";
    execute("podman", ["run", "--detach", "--publish", "127.0.0.1::8000", image], home.env);
    expect(processesOf(home).length).toBeGreaterThan(1);
    expect(mountsOf(home).length).toBeGreaterThan(0);
    const down = await containers("down");
    expect(down.exitCode, down.output).toBe(0);
    expect({ processes: processesOf(home), mounts: mountsOf(home), folder: existsSync(home.folder) }).toEqual({
      processes: [],
      mounts: [],
      folder: false,
    });
    expect((await containers("down")).output).toContain("nothing to end");
    expect((await containers("status")).exitCode).toBe(1);
  });

  test.each([
    [["start"], 2, "expected up, status or down, got start"],
    [["up", "--home", "relative"], 1, "expected --home to be an absolute path"],
    [["up", "--port", "1"], 2, "Unknown option '--port'"],
  ])("the arguments %j are refused", async (args, exitCode, message) => {
    const result = await tryToRun(["node", "tooling/container-engine/run.ts", ...args], root);
    expect(result.output).toContain(message);
    expect(result.exitCode).toBe(exitCode);
  });

  function containers(command: string): Promise<CommandResult> {
    const program = join(root, "tooling/container-engine/run.ts");
    return tryToRun(["node", program, command, "--home", home.folder], root);
  }
});
