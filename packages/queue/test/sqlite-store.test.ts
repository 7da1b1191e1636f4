import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createDatabase } from "@db/core";
import { MockDatabase } from "@db/testing";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MemoryStore, WriteQueue, type WriteQueueOptions } from "../src/index.ts";
import { SqliteFile } from "../src/sqlite-file.ts";
import { failure, until } from "./support/service.ts";

// Each opens a thread or a process of its own.
vi.setConfig({ testTimeout: 30_000 });

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "db-queue-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const create = (index: number) =>
  ({ kind: "create", id: `notes:${index}`, data: { index, text: "x".repeat(50) } }) as const;

async function filled(path: string, count: number, options: WriteQueueOptions = {}): Promise<void> {
  await using queue = await WriteQueue.open({ path, ...options });
  await Promise.all(Array.from({ length: count }, (_, index) => queue.enqueue(create(index))));
}

/** Replays all of a queue into a database in memory. */
async function drained(queue: WriteQueue): Promise<MockDatabase> {
  const driver = new MockDatabase();
  const db = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  await queue.barrier();
  await db.disconnect();
  return driver;
}

describe("the file", () => {
  test("holds what was acknowledged, through an orderly end and through none", async () => {
    const path = join(folder(), "deep", "er", "queue.db");
    await filled(path, 100);
    const queue = await WriteQueue.open({ path });
    expect(queue.stats()).toMatchObject({ pending: 100, lanes: 100, durability: "fsync" });
    await Promise.all([100, 101].map((index) => queue.enqueue(create(index))));
    // What a crash leaves: the files as they are at this moment.
    const copy = join(folder(), "queue.db");
    for (const suffix of ["", "-wal"]) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
    await queue.close();
    await using again = await WriteQueue.open({ path: copy });
    expect(again.stats().pending).toBe(102);
    const driver = await drained(again);
    expect(driver.calls.filter(({ kind }) => kind === "create")).toHaveLength(102);
  });

  test("belongs to its owner alone", async () => {
    const path = join(folder(), "queue.db");
    await using queue = await WriteQueue.open({ path });
    await queue.enqueue(create(1));
    for (const suffix of ["", "-wal", "-lock"]) expect(statSync(`${path}${suffix}`).mode & 0o777).toBe(0o600);
  });

  test("is small again after a drain", async () => {
    const path = join(folder(), "queue.db");
    const queue = await WriteQueue.open({ path });
    await Promise.all(Array.from({ length: 20_000 }, (_, index) => queue.enqueue(create(index))));
    await queue.close();
    const again = await WriteQueue.open({ path });
    await drained(again);
    await until(() => again.stats().lanes === 0);
    await until(() => statSync(path).size <= 1_048_576);
    await again.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(statSync(path).size).toBeLessThanOrEqual(1_048_576);
  });

  test("durability os is named, and keeps entries through an end of the process", async () => {
    const path = join(folder(), "queue.db");
    await filled(path, 3, { durability: "os" });
    await using queue = await WriteQueue.open({ path, durability: "os" });
    expect(queue.stats()).toMatchObject({ pending: 3, durability: "os" });
  });

  test("dead letters, notes and outcomes stand in it", async () => {
    const path = join(folder(), "queue.db");
    const queue = await WriteQueue.open({ path });
    const driver = new MockDatabase();
    const db = createDatabase({ driver, layers: [queue.layer] });
    await db.connect();
    const applied = await queue.enqueue(create(1));
    const dead = await queue.enqueue({ kind: "update", id: "notes:2", data: { a: 1 } });
    const behind = await queue.enqueue({ kind: "update", id: "notes:2", data: { a: 2 } });
    await until(() => queue.stats().dead === 1);
    await queue.barrier();
    await db.disconnect();
    await queue.close();
    const again = await WriteQueue.open({ path });
    expect([applied, dead, behind].map(({ operationId }) => again.outcome(operationId))).toEqual([
      "applied",
      "dead",
      "waiting",
    ]);
    expect(await again.discard(dead.operationId, "was a mistake")).toBe(1);
    await again.close();
    await using third = await WriteQueue.open({ path });
    expect(third.outcome(dead.operationId)).toBe("dead");
    expect(third.stats()).toMatchObject({ pending: 1, dead: 0 });
  });
});

describe("one process at a time", () => {
  test("a second open in this process fails and names the holder", async () => {
    const path = join(folder(), "queue.db");
    await using queue = await WriteQueue.open({ path });
    const error = await failure(WriteQueue.open({ path }));
    expect(error).toMatchObject({ code: "DATABASE_LOCKED", retryable: true, facts: { path } });
    expect(error.message).toContain(`the process ${process.pid} on ${hostname()}, since 20`);
    await queue.enqueue(create(1));
  });

  test("another name of the file does not open it twice", async () => {
    const made = folder();
    await using queue = await WriteQueue.open({ path: join(made, "queue.db") });
    symlinkSync(join(made, "queue.db"), join(made, "link.db"));
    expect((await failure(WriteQueue.open({ path: join(made, "link.db") }))).code).toBe("DATABASE_LOCKED");
    expect((await WriteQueue.inspect(join(made, "link.db"))).holder?.pid).toBe(process.pid);
    await queue.enqueue(create(1));
  });

  test("whoever only looks does not keep a service from opening its queue", async () => {
    const path = join(folder(), "queue.db");
    await filled(path, 1);
    const source = `
      import { lockHolder } from ${JSON.stringify(new URL("../src/sqlite-lock.ts", import.meta.url).href)};
      console.log("looking");
      for (;;) lockHolder(${JSON.stringify(`${path}-lock`)});`;
    const looking = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => {
      looking.kill("SIGKILL");
    });
    await once(looking.stdout, "data");
    for (let time = 0; time < 8; time += 1) await (await WriteQueue.open({ path })).close();
  });

  test("another process is told as well, and after kill -9 of the holder the queue is free and whole", async () => {
    const path = join(folder(), "queue.db");
    const source = `
      import { WriteQueue } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
      const queue = await WriteQueue.open({ path: ${JSON.stringify(path)} });
      await queue.enqueue({ kind: "create", id: "notes:1", data: {} });
      console.log("ready");
      setInterval(() => {}, 1_000);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      cwd: new URL("..", import.meta.url),
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const error = await failure(WriteQueue.open({ path }));
    expect(error.message).toContain(`the process ${child.pid}`);
    expect(await WriteQueue.inspect(path)).toMatchObject({ holder: { pid: child.pid }, entries: 1, damage: [] });
    child.kill("SIGKILL");
    await once(child, "exit");
    await using queue = await WriteQueue.open({ path });
    expect(queue.stats().pending).toBe(1);
    expect((await WriteQueue.inspect(path)).holder?.pid).toBe(process.pid);
  });
});

describe("damage", () => {
  const damage: readonly (readonly [string, (path: string) => void])[] = [
    ["is empty", (path) => writeFileSync(path, "")],
    ["is something else", (path) => writeFileSync(path, "not a database, ".repeat(1_000))],
    ["is cut off", (path) => writeFileSync(path, readFileSync(path).subarray(0, 8_192))],
    [
      "has a page of garbage",
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0xa5, 3 * 4_096, 4 * 4_096);
        writeFileSync(path, bytes);
      },
    ],
  ];

  test.each(damage)(
    "a file that %s is refused, named and left as it is; quarantine moves it aside",
    async (_what, hurt) => {
      const path = join(folder(), "queue.db");
      await filled(path, 500);
      hurt(path);
      const before = readFileSync(path);
      const error = await failure(WriteQueue.open({ path }));
      expect(error).toMatchObject({ code: "STORAGE_DAMAGED", retryable: false, facts: { path } });
      expect((error.facts as { found: readonly string[] }).found.length).toBeGreaterThan(0);
      expect(error.message).toContain(path);
      expect(readFileSync(path).equals(before)).toBe(true);
      const { damage: found } = await WriteQueue.inspect(path);
      expect(found.length).toBeGreaterThan(0);

      const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
      await using queue = await WriteQueue.open({ path, onCorruption: "quarantine" });
      const [text] = warned.mock.calls[0] ?? [];
      warned.mockRestore();
      expect(queue.stats().pending).toBe(0);
      const aside = readdirSync(join(path, "..")).filter((name) => name.includes(".damaged-"));
      expect(String(text)).toContain(aside[0]);
      expect(readFileSync(join(path, "..", aside[0] ?? "")).equals(before)).toBe(true);
      await queue.enqueue(create(1));
    },
  );

  const foreign: typeof damage = [
    [
      "belongs to another program",
      (path) => {
        rmSync(path);
        const db = new DatabaseSync(path);
        db.exec("CREATE TABLE entries (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)");
        db.close();
      },
    ],
    [
      "was written by a later version",
      (path) => {
        const db = new DatabaseSync(path);
        db.exec("PRAGMA user_version = 99");
        db.close();
      },
    ],
  ];

  test.each(foreign)("a file that %s is whole: it is refused, and no quarantine moves it", async (_what, change) => {
    const path = join(folder(), "queue.db");
    await filled(path, 1);
    change(path);
    const before = readFileSync(path);
    for (const onCorruption of ["refuse", "quarantine"] as const) {
      const error = await failure(WriteQueue.open({ path, onCorruption }));
      expect(error).toMatchObject({ code: "STORAGE_DAMAGED", retryable: false, facts: { path } });
    }
    expect((await WriteQueue.inspect(path)).damage).toHaveLength(1);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(join(path, "..")).filter((name) => name.includes(".damaged-"))).toEqual([]);
  });

  test("a log without its file, as half a quarantine leaves it, is refused and not taken for that of a new file", async () => {
    const made = folder();
    const path = join(made, "queue.db");
    {
      await using queue = await WriteQueue.open({ path: join(made, "other.db") });
      await queue.enqueue(create(1));
      copyFileSync(join(made, "other.db-wal"), `${path}-wal`);
    }
    expect(await failure(WriteQueue.open({ path }))).toMatchObject({ code: "STORAGE_DAMAGED", facts: { path } });
    expect(existsSync(path)).toBe(false);
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    await using queue = await WriteQueue.open({ path, onCorruption: "quarantine" });
    warned.mockRestore();
    expect(queue.stats().pending).toBe(0);
    expect(readdirSync(made).filter((name) => /damaged-.*-wal$/.test(name))).toHaveLength(1);
  });

  test("a damaged entry parks its record and is never applied; others are", async () => {
    const path = join(folder(), "queue.db");
    await filled(path, 3);
    const db = new DatabaseSync(path);
    const rows = db.prepare("SELECT seq, entry FROM entries ORDER BY seq").all();
    const bytes = Uint8Array.from(rows[1]?.entry as Uint8Array);
    bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 1;
    db.prepare("UPDATE entries SET entry = ? WHERE seq = ?").run(bytes, Number(rows[1]?.seq));
    db.close();
    expect((await WriteQueue.inspect(path)).damage).toEqual([`the entry ${rows[1]?.seq} is not what was written`]);
    await using queue = await WriteQueue.open({ path });
    const driver = await drained(queue);
    expect(
      driver.calls
        .filter(({ kind }) => kind === "create")
        .map(({ operation }) => (operation as { id: string }).id)
        .sort(),
    ).toEqual(["notes:0", "notes:2"]);
    expect(queue.stats()).toMatchObject({ dead: 1, damaged: 1 });
    const [letter] = await queue.deadLetters();
    expect(letter).toMatchObject({
      operationId: undefined,
      seq: Number(rows[1]?.seq),
      lastError: { code: "STORAGE_DAMAGED" },
    });
    expect((await failure(queue.exportTo(join(folder(), "out")))).code).toBe("STORAGE_DAMAGED");
    expect(await queue.discard(letter?.seq ?? 0, "damaged")).toBe(1);
  });
});

describe("a place that cannot be used", () => {
  test("a folder in the place of the file, or a file in the place of the folder, is a clear error", async () => {
    const made = folder();
    const inside = join(made, "folder");
    mkdirSync(inside);
    expect((await failure(WriteQueue.open({ path: inside }))).message).toContain(inside);
    const file = join(made, "file");
    writeFileSync(file, "x");
    expect(await failure(WriteQueue.open({ path: join(file, "queue.db") }))).toMatchObject({ code: "STORAGE_FAILED" });
  });

  test.skipIf(process.getuid?.() === 0)("a folder without permission is a clear error", async () => {
    const made = folder();
    chmodSync(made, 0o500);
    expect((await failure(WriteQueue.open({ path: join(made, "queue.db") }))).message).toContain("may not be accessed");
  });

  test("inspect of a file that is not there says so, and makes none", async () => {
    const path = join(folder(), "queue.db");
    expect((await failure(WriteQueue.inspect(path))).code).toBe("STORAGE_FAILED");
    expect(existsSync(path)).toBe(false);
  });
});

test("a failed open leaves no lock and no thread behind", async () => {
  const path = join(folder(), "queue.db");
  writeFileSync(path, "");
  await failure(WriteQueue.open({ path }));
  rmSync(path);
  await using queue = await WriteQueue.open({ path });
  await queue.enqueue(create(1));
});

test.each<[string, (path: string) => void]>([
  ["nothing but zeroes", (path) => writeFileSync(path, Buffer.alloc(8_192))],
  [
    "half of what it was",
    (path) => {
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(0xff, 100, 4_096));
    },
  ],
])(
  "a lock file that is %s, as a power cut may leave it, keeps nobody from the queue, and is a lock again",
  async (_what, hurt) => {
    const path = join(folder(), "queue.db");
    await filled(path, 1);
    hurt(`${path}-lock`);
    await using queue = await WriteQueue.open({ path });
    expect(queue.stats().pending).toBe(1);
    expect((await failure(WriteQueue.open({ path }))).code).toBe("DATABASE_LOCKED");
    expect(statSync(`${path}-lock`).mode & 0o777).toBe(0o600);
  },
);

test("a damaged file is not moved aside where no new one can be made: the next open would find none, and say nothing", async () => {
  const path = join(folder(), "queue.db");
  await filled(path, 1);
  const damaged = Buffer.alloc(8_192, "garbage");
  writeFileSync(path, damaged);
  mkdirSync(`${path}-new`);
  expect((await failure(WriteQueue.open({ path, onCorruption: "quarantine" }))).code).toBe("STORAGE_FAILED");
  expect(readFileSync(path).equals(damaged)).toBe(true);
  expect(readdirSync(join(path, "..")).filter((name) => name.includes(".damaged-"))).toEqual([]);
  rmSync(`${path}-new`, { recursive: true });
  expect((await failure(WriteQueue.open({ path }))).code).toBe("STORAGE_DAMAGED");
});

test("of a file of a later version nobody says that a quarantine would move it", async () => {
  const path = join(folder(), "queue.db");
  await filled(path, 1);
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 99");
  db.close();
  const { message } = await failure(WriteQueue.open({ path }));
  expect(message).toContain("its format is 99");
  expect(message).not.toContain("quarantine");
});

test("a file of somebody else's in the place of the lock is left alone, and the queue not called damaged", async () => {
  const path = join(folder(), "queue.db");
  await filled(path, 1);
  writeFileSync(`${path}-lock`, "garbage".repeat(2_000));
  const error = await failure(WriteQueue.open({ path, onCorruption: "quarantine" }));
  expect(error.code).toBe("STORAGE_FAILED");
  expect(String(error.cause)).toContain(`${path}-lock`);
  expect(readFileSync(`${path}-lock`, "utf8")).toBe("garbage".repeat(2_000));
  rmSync(`${path}-lock`);
  await using queue = await WriteQueue.open({ path });
  expect(queue.stats().pending).toBe(1);
});

test("what was moved aside is told, also where the queue does not open then", async () => {
  const store = new MemoryStore();
  const open = store.open.bind(store);
  store.open = async () => ({ ...(await open()), quarantined: ["/data/queue.db.damaged"] });
  store.commit = () => Promise.reject(new Error("no disk"));
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  expect((await failure(WriteQueue.open({ store }))).code).toBe("STORAGE_FAILED");
  expect(String(warned.mock.calls[0]?.[0])).toContain("/data/queue.db.damaged");
});

test("whoever looks through a file holds one entry at a time, however large they are", async () => {
  const path = join(folder(), "queue.db");
  await filled(path, 500);
  const read = vi.spyOn(SqliteFile.prototype, "read");
  onTestFinished(() => read.mockRestore());
  expect((await WriteQueue.inspect(path)).entries).toBe(500);
  expect(Math.max(...read.mock.calls.map(([seqs]) => seqs.length))).toBe(1);
});

test("who looks into a file whose lock cannot be asked is told what is in it", async () => {
  const path = join(folder(), "queue.db");
  await filled(path, 1);
  rmSync(`${path}-lock`);
  mkdirSync(`${path}-lock`);
  expect(await WriteQueue.inspect(path)).toMatchObject({ entries: 1, holder: undefined, damage: [] });
});
