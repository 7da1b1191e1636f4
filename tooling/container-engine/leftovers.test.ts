import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { root } from "../checks/workspace.ts";
import { run } from "../packaging/command.ts";
import { EngineHome } from "./engine-home.ts";
import { processesOf } from "./leftovers.ts";

const home = new EngineHome("/var/tmp/db-container-engine-of-nobody");

describe.runIf(process.platform === "linux")("what runs in the folder of an engine", () => {
  test("is whoever has a path in it in its command line", async () => {
    const monitor = spawn("sh", ["-c", "read -r line", `${home.folder}/monitor`], {
      stdio: ["pipe", "ignore", "ignore"],
    });
    expect(processesOf(home)).toEqual([monitor.pid]);
    monitor.stdin.end();
    await once(monitor, "exit");
  });

  // Completion in a shell ends the name of a folder with a slash.
  test("is not who was told the folder, and waits for the program that looks", async () => {
    const [engineHome, leftovers] = ["engine-home.ts", "leftovers.ts"].map(
      (file) => pathToFileURL(join(root, "tooling/container-engine", file)).href,
    );
    const program = `
      import { EngineHome } from "${engineHome}";
      import { processesOf } from "${leftovers}";
      console.log(processesOf(new EngineHome("${home.folder}")).length);`;
    const flags = "--disable-warning=ExperimentalWarning --input-type=module";
    const shell = `node ${flags} --eval "$0"; exit $?`;
    expect(await run(["sh", "-c", shell, program, `${home.folder}/`], root)).toBe("0\n");
  });
});
