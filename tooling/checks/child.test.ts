import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ChildResult, endChildren, runChild } from "./child.ts";

const options = { output: "capture", env: process.env } as const;

// It shares the pipe of its parent, so that `runChild` cannot settle before it has ended.
const grandchild = `require("node:child_process").spawn("sleep", ["600"], { stdio: "inherit" })`;

describe("runChild", () => {
  test("gives the exit code and both streams", async () => {
    const { exitCode, output } = await evaluate('console.log("out"); console.error("err"); process.exitCode = 3;');
    expect(exitCode).toBe(3);
    expect(output.split("\n").sort()).toEqual(["", "err", "out"]);
  });

  test("a program that does not exist rejects with its name", async () => {
    await expect(runChild(["no-such-program"], options)).rejects.toThrow("expected to start no-such-program");
  });

  test("what a program left running ends with it", async () => {
    expect(await evaluate(`${grandchild}.unref();`)).toEqual({ exitCode: 0, output: "" });
  });
});

describe("endChildren", () => {
  test("ends what runs, and what that started", async () => {
    const folder = mkdtempSync(join(tmpdir(), "db-child-"));
    try {
      const started = join(folder, "started");
      const done = evaluate(`${grandchild}; require("node:fs").writeFileSync(${JSON.stringify(started)}, "");`);
      await expect.poll(() => existsSync(started), { timeout: 4_000 }).toBe(true);
      endChildren();
      expect(await done).toEqual({ exitCode: null, output: "" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function evaluate(program: string): Promise<ChildResult> {
  return runChild(["node", "--eval", program], options);
}
