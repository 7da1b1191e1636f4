import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startSurreal } from "@db/testing";
import { describe, expect, test } from "vitest";
import { OFFICIAL_IMAGE } from "../src/container-options.ts";
import { connect } from "./support/surreal-clients.ts";

/** An orphan that is dead and that nobody has collected yet (Z) is dead. */
function isAlive(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    // It tells by its exit code that there is no such process.
    return false;
  }
}

for (const engine of ["rocksdb", "surrealkv"] as const) {
  test(`${engine}: kill -9 under 8 writers and restart, and every acknowledged row is there`, async () => {
    await using server = await startSurreal({ engine });
    const before = await connect(server.url);
    const acknowledged: string[] = [];
    const enough = Promise.withResolvers<void>();
    const write = async (writer: number): Promise<void> => {
      for (let n = 0; ; n += 1) {
        await before.query(`CREATE rows:w${writer}_${n}`);
        acknowledged.push(`w${writer}_${n}`);
        if (acknowledged.length === 200) enough.resolve();
      }
    };
    const writers = Promise.allSettled(Array.from({ length: 8 }, (_, writer) => write(writer)));
    await enough.promise;
    const { pid, port, path } = server;
    await server.kill();
    await writers;
    expect(server.pid).toBeUndefined();
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect([server.port, server.path]).toEqual([port, path]);
    const after = await connect(server.url);
    const [found] = await after.query<[string[]]>("SELECT VALUE record::id(id) FROM rows");
    expect(acknowledged.filter((id) => !found.includes(id))).toEqual([]);
    await after.close();
  });
}

test("the official image for containers is of the engine that is tested", async () => {
  await using server = await startSurreal();
  const version = await (await fetch(new URL("/version", server.httpUrl))).text();
  expect(OFFICIAL_IMAGE).toBe(`surrealdb/surrealdb:${version.replace("surrealdb-", "v")}`);
});

test("60 sessions with transactions and live queries: all are given back when their sockets close", async () => {
  await using server = await startSurreal();
  const first = await connect(server.url);
  await first.query("DEFINE TABLE rows");
  // Not beside the first: those who enter a database together for the first time conflict, and the SDK does not try again.
  const clients = [first, ...(await Promise.all(Array.from({ length: 5 }, () => connect(server.url))))];
  for (const db of clients) {
    for (let count = 0; count < 9; count += 1) await db.forkSession();
    const transaction = await db.beginTransaction();
    await transaction.query("CREATE rows");
    await db.query("LIVE SELECT * FROM rows");
  }
  expect(await server.stats()).toMatchObject({ sockets: 6, sessions: 60, transactions: 6, live: 6, dials: 6 });
  await Promise.all(clients.map((db) => db.close()));
  await expect
    .poll(() => server.stats(), { timeout: 5_000 })
    .toMatchObject({ sockets: 0, sessions: 0, transactions: 0, live: 0 });
  const db = await connect(server.url);
  expect(await db.query("SELECT * FROM rows")).toEqual([[]]);
  await db.close();
});

test("a transaction whose socket is cut under a statement is rolled back", async () => {
  await using server = await startSurreal({ engine: "rocksdb" });
  const db = await connect(server.url);
  const transaction = await db.beginTransaction();
  await transaction.query("CREATE rows:1");
  const cut = transaction.query("{ CREATE rows:2; sleep(3s) }").collect();
  const terminated = expect(cut).rejects.toThrow("terminated");
  await server.fault({ dropSockets: "reset" });
  await terminated;
  await expect.poll(() => server.stats()).toMatchObject({ sockets: 0, transactions: 0 });
  const again = await connect(server.url);
  expect(await again.query("DEFINE TABLE IF NOT EXISTS rows; SELECT * FROM rows")).toEqual([undefined, []]);
  await again.close();
});

test("close removes the folder that was made, and leaves one that was given", async () => {
  const given = await mkdtemp(join(tmpdir(), "given-"));
  const [made, kept] = [
    await startSurreal({ engine: "surrealkv" }),
    await startSurreal({ engine: "surrealkv", path: given }),
  ];
  expect(existsSync(made.path ?? "")).toBe(true);
  await Promise.all([made.close(), kept.close()]);
  expect([existsSync(made.path ?? ""), existsSync(given)]).toEqual([false, true]);
  await made.close();
  await rm(given, { recursive: true });
});

test("close ends a server that is paused, and one that was killed", async () => {
  const [paused, killed] = [await startSurreal(), await startSurreal()];
  paused.pause();
  await killed.kill();
  await Promise.all([paused.close(), killed.close()]);
  expect([paused.pid, killed.pid]).toEqual([undefined, undefined]);
  await expect(killed.stats()).rejects.toThrow("the SurrealDB server is gone (SIGKILL)");
});

test("close waits for what is under way, and takes no longer than it may", async () => {
  const server = await startSurreal();
  const db = await connect(server.url);
  const short = db.query("RETURN sleep(300ms)").collect();
  await expect.poll(() => server.stats().then(({ requests }) => requests), { timeout: 5_000 }).toBeGreaterThan(3);
  const started = performance.now();
  await server.close();
  await short;
  expect(performance.now() - started).toBeLessThan(2_000);
});

test("close takes no longer than it may when a statement does", async () => {
  const server = await startSurreal({ engine: "rocksdb" });
  const db = await connect(server.url);
  const long = expect(db.query("RETURN sleep(1m)").collect()).rejects.toThrow("terminated");
  const { pid = 0 } = server;
  await server.close();
  await long;
  expect(isAlive(pid)).toBe(false);
});

test("what is asked of a paused server is given up in time, and kill ends it by any signal", async () => {
  await using server = await startSurreal();
  server.pause();
  await expect(server.stats()).rejects.toThrow('did not answer "stats" within 5000 ms');
  await server.kill("SIGTERM");
  expect(server.pid).toBeUndefined();
});

describe("a start that cannot succeed says why", () => {
  test("the port is in use", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await expect(startSurreal({ port })).rejects.toMatchObject({
      message: `port ${port} of 127.0.0.1 is in use`,
      code: "EADDRINUSE",
    });
    taken.close();
  });

  test("the data is open elsewhere", async () => {
    await using server = await startSurreal({ engine: "rocksdb" });
    await expect(startSurreal({ engine: "rocksdb", path: server.path ?? "" })).rejects.toThrow(/LOCK/);
  });

  test("it takes too long, or is given up", async () => {
    await expect(startSurreal({ startTimeoutMs: 1 })).rejects.toThrow('did not answer "serve" within 1 ms');
    const reason = new Error("enough");
    await expect(startSurreal({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const start = startSurreal({ engine: "surrealkv", signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(start).rejects.toBe(reason);
  });

  test("an option is unknown or wrong", async () => {
    await expect(startSurreal({ prot: 1 } as never)).rejects.toThrow('startSurreal: unknown option "prot"');
    await expect(startSurreal({ engine: "tikv" } as never)).rejects.toThrow("expected mem, surrealkv or rocksdb");
    await expect(startSurreal({ path: "/data" })).rejects.toThrow("expected no path with the engine mem");
    await expect(startSurreal({ port: 65_536 })).rejects.toThrow("expected an integer in 0..65535");
    await expect(startSurreal({ password: "" })).rejects.toThrow("startSurreal: password: expected a non-empty text");
  });
});

describe("the server never outlives the process that started it", () => {
  const script = fileURLToPath(new URL("./support/surreal-parent.ts", import.meta.url));

  /** Runs a process, in a group of its own, that starts a server, and tells the server's pid and folder. */
  async function parent(
    ...args: readonly string[]
  ): Promise<{ child: ReturnType<typeof spawn>; pid: number; path: string }> {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let errors = "";
    child.stderr.on("data", (text) => {
      errors += text;
    });
    const told = once(createInterface(child.stdout), "line");
    const silent = once(child, "close").then(() => Promise.reject(new Error(`it told nothing: ${errors}`)));
    const [line] = (await Promise.race([told, silent])) as [string];
    silent.catch(() => {});
    return { child, ...(JSON.parse(line) as { pid: number; path: string }) };
  }

  for (const [how, args, end] of [
    ["it is killed by kill -9", ["stay"], "SIGKILL"],
    ["it is killed by kill -9 while the server is paused", ["stay", "pause"], "SIGKILL"],
    ["it ends by itself and never closed the server", ["leave"], undefined],
    ["it ends by itself after it has killed the server", ["leave", "kill"], undefined],
    ["it throws", ["throw"], undefined],
  ] as const)
    test(`${how}: the server and the folder that was made are gone`, { timeout: 60_000 }, async () => {
      const { child, pid, path } = await parent(...args);
      if (end !== undefined) child.kill(end);
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
      // Whoever ended the server tidies up after it.
      await expect.poll(() => existsSync(path), { timeout: 5_000 }).toBe(false);
    });

  for (const [signal, args] of [
    ["SIGTERM", ["stay"]],
    ["SIGHUP", ["stay"]],
    ["SIGKILL", ["stay"]],
    ["SIGKILL", ["stay", "pause"]],
  ] as const)
    test(`${signal} ends its whole group (${args.join(", ")}): the server and the folder that was made are gone`, {
      timeout: 60_000,
    }, async () => {
      const { child, pid, path } = await parent(...args);
      process.kill(-Number(child.pid), signal);
      await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
      await expect.poll(() => existsSync(path), { timeout: 5_000 }).toBe(false);
    });
});
