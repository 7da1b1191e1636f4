import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const index = new URL("../src/index.ts", import.meta.url).href;
const folder = fileURLToPath(new URL("..", import.meta.url));

/** Runs a module in a process of its own; it has 15 seconds to end by itself, half of what an idle limit would keep it. */
function run(body: string): Promise<{ readonly killed: boolean; readonly out: string }> {
  const source = `import { createRetry, operation } from ${JSON.stringify(index)};\n${body}`;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 15_000, cwd: folder }, (error, stdout, stderr) => {
      resolve({ killed: error?.killed === true, out: `${stdout}${stderr}` });
    });
  });
}

describe("a process", { timeout: 30_000 }, () => {
  test("ends by itself once its calls have ended, though limits of 30 s were set", async () => {
    const { killed, out } = await run(`await createRetry(operation)(async () => {}); console.log("done");`);
    expect({ killed, out }).toEqual({ killed: false, out: "done\n" });
  });

  test("lives on while a call waits, between attempts and during one that hangs", async () => {
    const { killed, out } = await run(`
      const retry = createRetry({ maxAttempts: 2, attemptTimeoutMs: 100, backoff: { baseMs: 50, jitter: "none" } });
      retry(() => new Promise(() => {})).catch((error) => console.log(error.message));`);
    expect({ killed, out }).toEqual({ killed: false, out: "the attempt did not end within 100 ms\n" });
  });
});
