import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const index = new URL("../src/index.ts", import.meta.url).href;

/** Runs a module in a process of its own; it has 20 seconds to end by itself. */
function run(body: string): Promise<{ readonly killed: boolean; readonly out: string }> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-exit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const source = `
    import { createDatabase } from "@db/core";
    import { MockDatabase } from "@db/testing";
    import { WriteQueue } from ${JSON.stringify(index)};
    const path = ${JSON.stringify(join(folder, "queue.db"))};
    ${body}`;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", source];
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 20_000, cwd }, (error, stdout, stderr) => {
      resolve({ killed: error?.killed === true, out: `${stdout}${stderr}` });
    });
  });
}

test("a process ends by itself with an open queue that waits for a database, and a write under way is stored before", {
  timeout: 90_000,
}, async () => {
  const { killed, out } = await run(`
    const queue = await WriteQueue.open({ path });
    const driver = new MockDatabase();
    const db = createDatabase({ driver, layers: [queue.layer] });
    await db.connect();
    driver.goAway();
    queue.enqueue({ kind: "create", id: "notes:1", data: {} }).then(() => console.log("stored"));`);
  expect({ killed, out }).toEqual({ killed: false, out: "stored\n" });
});

test("a closed queue leaves nothing behind", { timeout: 90_000 }, async () => {
  const { killed, out } = await run(`
    const queue = await WriteQueue.open({ path });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    await queue.close();
    console.log(process.getActiveResourcesInfo().filter((kind) => !kind.includes("TTY") && !kind.includes("Pipe")).join());`);
  expect({ killed, out }).toEqual({ killed: false, out: "\n" });
});
