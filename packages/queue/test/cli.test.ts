import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { main } from "../src/cli.ts";
import { WriteQueue } from "../src/index.ts";
import { until } from "./support/service.ts";

vi.setConfig({ testTimeout: 30_000 });

async function run(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: readonly string[]; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await main(
    args,
    (line) => out.push(line),
    (line) => err.push(line),
  );
  return { code, out, err: err.join("\n") };
}

/** A file with one dead letter, one write behind it and one that waits. */
async function file(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "db-queue-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "queue.db");
  await using queue = await WriteQueue.open({ path });
  const db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
  await db.connect();
  await queue.enqueue({ kind: "update", id: "notes:1", data: { at: new Date(0) } }, { operationId: "op-1" });
  await until(() => queue.stats().dead === 1);
  queue.pause();
  await queue.enqueue({ kind: "update", id: "notes:1", data: { b: 2 } }, { operationId: "op-2" });
  await queue.enqueue({ kind: "create", id: "notes:2", data: { c: 3 } }, { operationId: "op-3" });
  await db.disconnect();
  return path;
}

test("list, show and verify tell what is in a file, also while it is in use", async () => {
  const path = await file();
  await using queue = await WriteQueue.open({ path });
  const list = await run("list", path);
  expect(list.code).toBe(0);
  expect(list.out).toHaveLength(3);
  expect(list.out[0]).toMatch(/^\d+ {2}\S+Z {2}op-1 {2}dead {2}\d+ bytes {2}1 attempts, NOT_FOUND: /);
  expect((await run("list", path, "--dead")).out).toHaveLength(1);
  const lines = (await run("list", path, "--json", "--limit", "2")).out.map(
    (line) => JSON.parse(line) as { state: string; seq: number },
  );
  expect(lines.map(({ state }) => state)).toEqual(["dead", "waiting"]);
  expect((await run("list", path, "--after", String(lines[1]?.seq))).out).toHaveLength(1);
  expect((await run("list", path, "--limit", "1")).out.at(-1)).toContain("at most 1 are shown");
  const shown = await run("show", path, "op-1");
  expect(JSON.parse(shown.out[0] ?? "")).toMatchObject({
    operationId: "op-1",
    write: { id: "notes:1", data: { at: { $date: "1970-01-01T00:00:00.000Z" } } },
  });
  expect((await run("show", path, "notes:1")).out).toHaveLength(2);
  expect(await run("show", path, "nobody")).toMatchObject({ code: 1, out: ["no entry nobody"] });
  const verified = await run("verify", path);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.out).toEqual([
    expect.stringContaining("3 entries"),
    expect.stringContaining(`process ${process.pid}`),
    "sound",
  ]);
  expect(JSON.parse((await run("verify", path, "--json")).out[0] ?? "")).toMatchObject({
    entries: 3,
    dead: 1,
    damage: [],
  });
  expect(queue.stats().pending).toBe(3);
});

test("what changes a file is refused while a process has it, and names that", async () => {
  const path = await file();
  await using _queue = await WriteQueue.open({ path });
  const { code, err } = await run("redrive", path, "op-1");
  expect(code).toBe(1);
  expect(err).toContain(`is in use by the process ${process.pid}`);
  expect(err).toContain("(DATABASE_LOCKED)");
});

test("redrive, discard and export do what they say", async () => {
  const path = await file();
  expect(await run("redrive", path, "op-1", "op-9")).toMatchObject({
    code: 1,
    out: ["op-1: done (1)", "op-9: no such dead letter"],
  });
  expect((await run("list", path, "--dead")).out).toEqual(["no dead letters"]);
  const other = await file();
  expect(await run("discard", other, "notes:1", "--reason", "a mistake")).toMatchObject({ code: 0 });
  expect((await run("list", other)).out).toHaveLength(2);
  const target = `${other}.export`;
  expect(await run("export", other, target)).toMatchObject({ code: 0, out: [`2 entries written to ${target}`] });
  expect(readFileSync(target, "utf8").trim().split("\n")).toHaveLength(3);
});

test("a damaged file is told from a sound one by the exit code", async () => {
  const path = await file();
  writeFileSync(path, "garbage".repeat(2_000));
  expect((await run("verify", path)).code).toBe(1);
  expect(await run("list", path)).toMatchObject({ code: 1 });
});

test.each<[readonly string[], string]>([
  [[], "expected a command"],
  [["list"], 'expected a file after "list"'],
  [["drop", "x"], 'got "drop"'],
  [["redrive", "x"], "expected one id or more"],
  [["show", "x"], "expected one argument after the file, got 0"],
  [["discard", "x", "1"], "expected --reason with discard"],
  [["list", "x", "--limit", "many"], 'expected --limit to be a number, got "many"'],
  [["list", "x", "--colour"], "colour"],
])("%j is called wrongly: exit code 2, what was expected, and the help", async (args, message) => {
  const { code, err } = await run(...args);
  expect(code).toBe(2);
  expect(err).toContain(message);
  expect(err).toContain("Usage: db-queue");
});

test("--help is no mistake; a file that is not there is one, and none is made", async () => {
  expect(await run("--help")).toMatchObject({ code: 0, err: "" });
  const { code, err } = await run("redrive", join(tmpdir(), "db-queue-is-not-there"), "1");
  expect(code).toBe(1);
  expect(err).toContain("(STORAGE_FAILED)");
});
