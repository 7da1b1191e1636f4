import { writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freePort } from "../lab/free-port.ts";
import { allNotes, type NoteJson } from "./all-notes.ts";
import { spawnNpmStart, spawnService, temporaryFolder } from "./child-service.ts";
import { json, note, problemIn } from "./harness.ts";

test("starts, serves, ends cleanly on SIGTERM, and finds its notes again", async () => {
  const DATA_DIR = await temporaryFolder();
  const first = spawnService({ DATA_DIR });
  const url = await first.ready();
  expect(first.stdout()).toContain(`curl -s ${url}/notes`);
  expect(first.stdout()).toContain(`The data lies in ${DATA_DIR}`);
  const made = await fetch(`${url}/notes`, json("POST", { ...note, tags: ["a", "👩‍🚀"] }));
  expect(made.status).toBe(201);
  const record = (await made.json()) as NoteJson;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "pass" });
  first.process.kill("SIGTERM");
  expect(await first.exit).toBe(0);
  for (const line of first.stderr().trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("msg");

  const second = spawnService({ DATA_DIR });
  const again = await second.ready();
  const path = `${again}/notes/${record.id}`;
  expect(await (await fetch(path)).json()).toEqual(record);
  const changed = (await (await fetch(path, json("PATCH", { title: "Bread" }))).json()) as NoteJson;
  expect(changed).toMatchObject({ ...record, title: "Bread", updatedAt: expect.any(String) });
  expect(await (await fetch(`${again}/notes?q=read&tag=a&order=createdAt:desc`)).json()).toEqual({
    items: [changed],
    next: null,
  });
  expect((await fetch(path, { method: "DELETE" })).status).toBe(204);
  const missing = await fetch(path);
  expect(missing.status).toBe(404);
  await problemIn(missing);
  second.process.kill("SIGINT");
  expect(await second.exit).toBe(0);
});

test("SIGTERM tells clients that keep their connection, before it cuts any", async () => {
  // Longer than a client may be held up by its machine: whoever comes later finds no port.
  const service = spawnService({ DATA_DIR: await temporaryFolder(), DRAIN_DELAY: "3" });
  const url = await service.ready();
  const isLast = (agent: Agent): Promise<boolean> =>
    new Promise((resolve, reject) => {
      get(`${url}/readyz`, { agent }, (answer) => {
        answer.resume().once("end", () => resolve(answer.headers.connection === "close"));
      }).once("error", reject);
    });
  let answers = 0;
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!(await isLast(agent))) {
      answers += 1;
      await sleep(5);
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  await expect.poll(() => answers).toBeGreaterThan(16);
  const start = performance.now();
  service.process.kill("SIGTERM");
  await clients;
  expect(await service.exit).toBe(0);
  // Nothing is left that would be waited for, as requests under way are.
  expect(performance.now() - start).toBeLessThan(3_000 + 10_000);
});

test("a signal to npm alone ends the service too, with its port and its data free", async () => {
  const DATA_DIR = await temporaryFolder();
  // One that nobody is given meanwhile who asks for any.
  const PORT = String(await freePort());
  const npm = spawnNpmStart({ DATA_DIR, PORT });
  const url = await npm.ready();
  const start = performance.now();
  npm.process.kill("SIGTERM");
  await npm.exit;
  expect(performance.now() - start).toBeLessThan(10_000);
  const next = spawnService({ DATA_DIR, PORT });
  expect(await next.ready()).toBe(url);
});

test("SIGTERM under load: every request that was taken is answered, and what was answered with 201 is there", async () => {
  const DATA_DIR = await temporaryFolder();
  const first = spawnService({ DATA_DIR });
  const url = await first.ready();
  const acknowledged: string[] = [];
  const statuses = new Set<number>();
  const write = async (): Promise<void> => {
    for (;;) {
      const answer = await fetch(`${url}/notes`, json("POST", note)).catch(() => undefined);
      if (answer === undefined) return;
      statuses.add(answer.status);
      if (answer.status === 201) acknowledged.push(((await answer.json()) as NoteJson).id);
      else await answer.text();
    }
  };
  const writers = Array.from({ length: 8 }, write);
  while (acknowledged.length < 50) await sleep(5);
  const start = performance.now();
  first.process.kill("SIGTERM");
  expect(await first.exit).toBe(0);
  expect(performance.now() - start).toBeLessThan(10_000);
  await Promise.all(writers);
  expect([...statuses]).toEqual([201]);

  const second = spawnService({ DATA_DIR });
  const found = await allNotes(await second.ready());
  expect([...found.keys()].sort()).toEqual(acknowledged.sort());
});

describe("ends with", () => {
  test("1 at the second signal", async () => {
    const service = spawnService({ DATA_DIR: await temporaryFolder(), DRAIN_DELAY: "60" });
    const url = await service.ready();
    service.process.kill("SIGINT");
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    await sleep(300);
    service.process.kill("SIGINT");
    expect(await service.exit).toBe(1);
  });

  test("1 and one sentence where the port is taken", async () => {
    const first = spawnService({ DATA_DIR: await temporaryFolder() });
    const { port } = new URL(await first.ready());
    const second = spawnService({ DATA_DIR: await temporaryFolder(), PORT: port });
    expect(await second.exit).toBe(1);
    expect(second.stderr()).toBe(
      `notes: port ${port} of 127.0.0.1 is taken by another program; set PORT to one that is free\n`,
    );
    expect(second.stdout()).toBe("");
  });

  test("1 and the cause where the data cannot be opened", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    const service = spawnService({ DATA_DIR: join(file, "data") });
    expect(await service.exit).toBe(1);
    expect(service.stderr()).toMatch(/^notes: the queue of writes cannot be opened: .*\(STORAGE_FAILED\)\n$/);
  });

  test("1 and one sentence where the data is in use", async () => {
    const DATA_DIR = await temporaryFolder();
    await spawnService({ DATA_DIR }).ready();
    const second = spawnService({ DATA_DIR });
    expect(await second.exit).toBe(1);
    expect(second.stderr()).toMatch(
      /^notes: the queue of writes cannot be opened: .*in use by the process \d+.*\(DATABASE_LOCKED\)\n$/,
    );
  });

  test("2 and all faults where the configuration is wrong", async () => {
    const service = spawnService({ PORT: "x", LOG_LEVEL: "y" });
    expect(await service.exit).toBe(2);
    expect(service.stderr()).toMatch(
      /^notes: the configuration is wrong.*\n {2}PORT: expected .*\n {2}LOG_LEVEL: expected .*\n$/,
    );
  });

  test("2 for an argument that it does not know, 0 for --help", async () => {
    expect(await spawnService({}, ["--port=1"]).exit).toBe(2);
    const help = spawnService({ PORT: "x" }, ["--help"]);
    expect(await help.exit).toBe(0);
    expect(help.stdout()).toContain("DATA_DIR (./data)");
    expect(help.stderr()).toBe("");
  });

  test("0 in memory too", async () => {
    const service = spawnService({ SURREAL_URL: "mem://" });
    const url = await service.ready();
    expect((await fetch(`${url}/notes`, json("POST", note))).status).toBe(201);
    service.process.kill("SIGTERM");
    expect(await service.exit).toBe(0);
  });
});
