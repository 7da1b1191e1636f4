import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const index = new URL("../src/index.ts", import.meta.url).href;
const folder = fileURLToPath(new URL("..", import.meta.url));

/** Runs a module in a process of its own; it has 15 seconds to end by itself, half of what an idle deadline would keep it. */
function run(body: string): Promise<{ readonly killed: boolean; readonly out: string }> {
  const source = `
    import { createDatabase, defineDriver, untilInterrupted } from ${JSON.stringify(index)};
    const statements = {
      read: async () => undefined,
      update: (_operation, context) => untilInterrupted(new Promise(() => {}), context, "none"),
    };
    const db = createDatabase({ driver: defineDriver({ name: "fake", statements }) });
    await db.connect();
    ${body}`;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 15_000, cwd: folder }, (error, stdout, stderr) => {
      resolve({ killed: error?.killed === true, out: `${stdout}${stderr}` });
    });
  });
}

describe("a process", { timeout: 30_000 }, () => {
  test("ends by itself with an idle service that is connected, though deadlines of 30 s and more were set", async () => {
    const { killed, out } = await run(`await db.read("notes:1"); console.log("done");`);
    expect({ killed, out }).toEqual({ killed: false, out: "done\n" });
  });

  test("lives on while a call is under way, until its deadline", async () => {
    const { killed, out } = await run(`
      const start = performance.now();
      db.update("notes:1", {}, { timeoutMs: 300 }).catch((error) => {
        console.log(error.code, performance.now() - start >= 300);
      });`);
    expect({ killed, out }).toEqual({ killed: false, out: "QUERY_TIMEOUT true\n" });
  });
});
