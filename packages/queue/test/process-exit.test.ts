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

test("a process ends by itself though the thread of its queue has died and nobody closes it", {
  timeout: 90_000,
}, async () => {
  const { killed, out } = await run(`
    let thread;
    process.on("worker", (worker) => { thread = worker; });
    const queue = await WriteQueue.open({ path, overflow: "wait" });
    await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
    const calls = [queue.barrier()];
    await thread.terminate();
    calls.push(queue.enqueue({ kind: "create", id: "notes:2", data: {} }), queue.deadLetters());
    for (const { reason } of await Promise.allSettled(calls)) console.log(reason.code);`);
  expect({ killed, out }).toEqual({ killed: false, out: "STORAGE_FAILED\n".repeat(3) });
});

test("db-queue does what it was told, and its exit code is true, though nobody reads on", {
  timeout: 90_000,
}, async () => {
  const { out } = await run(`
    import { spawn } from "node:child_process";
    import { once } from "node:events";
    import { DatabaseSync } from "node:sqlite";
    const queue = await WriteQueue.open({ path });
    const db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
    await db.connect();
    const ids = ["notes:1", "notes:2", "notes:3"];
    for (const id of ids) await queue.enqueue({ kind: "update", id, data: {} });
    while (queue.stats().dead < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    await db.disconnect();
    await queue.close();
    const bin = ${JSON.stringify(fileURLToPath(new URL("../src/bin.ts", import.meta.url)))};
    const dbQueue = async (...args) => {
      const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", bin, ...args], { stdio: ["ignore", "pipe", 1] });
      child.stdout.destroy();
      return (await once(child, "exit"))[0];
    };
    console.log(await dbQueue("discard", path, ...ids, "--reason", "a mistake"), (await WriteQueue.inspect(path)).dead);
    const file = new DatabaseSync(path);
    file.exec("INSERT INTO entries VALUES (99, x'00')");
    file.close();
    console.log(await dbQueue("verify", path));`);
  expect(out).toBe("0 0\n1\n");
});

test("db-queue ends quietly when nobody reads on", { timeout: 90_000 }, async () => {
  const { out } = await run(`
    import { spawn } from "node:child_process";
    import { once } from "node:events";
    const queue = await WriteQueue.open({ path, durability: "os" });
    const ids = Array.from({ length: 5_000 }, (_, index) => "notes:" + index);
    await Promise.all(ids.map((id) => queue.enqueue({ kind: "delete", id })));
    await queue.close();
    const bin = ${JSON.stringify(fileURLToPath(new URL("../src/bin.ts", import.meta.url)))};
    const flags = ["--disable-warning=ExperimentalWarning"];
    const list = spawn(process.execPath, [...flags, bin, "list", path, "--limit", "5000"], { stdio: ["ignore", "pipe", 1] });
    list.stdout.once("data", () => list.stdout.destroy());
    console.log(...(await once(list, "exit")));`);
  expect(out).toBe("0 null\n");
});
