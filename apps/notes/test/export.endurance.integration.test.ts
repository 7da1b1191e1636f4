import { readFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { startSurreal } from "@db/testing";
import { expect, test } from "vitest";
import { spawnService, temporaryFolder } from "./child-service.ts";
import { json, note } from "./harness.ts";

const isFull = process.env.DB_TEST_SIZE === "full";
const NOTES = isFull ? 100_000 : 8_000;
const CONTENT = isFull ? 1_000 : 8_000;
const BATCH = 500;
/** What two exports at once may add to the process: less than one of them is long. */
const BOUND_MB = 60;
/** With room on the machine V8 lets garbage lie, by its own measure: 200 MB for exports of 60 MB and of 190 MB alike. */
const SMALL_HEAP = "--max-old-space-size=64 --max-semi-space-size=4";
const MB = 1_048_576;

/** The most that the process has had of the machine's memory. */
async function peakMb(pid: number): Promise<number> {
  const [, kb] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kb) / 1_024;
}

function open(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).once("error", reject);
  });
}

interface Read {
  readonly bytes: number;
  readonly seconds: number;
  readonly lines: number;
  readonly ids: ReadonlySet<string>;
}

/** Reads an export line by line, and rests for `pauseMs` after each 256 KiB. */
async function readExport(url: string, pauseMs: number): Promise<Read> {
  const start = performance.now();
  const ids = new Set<string>();
  let [bytes, lines, rest, untilPause] = [0, 0, "", 262_144];
  for await (const chunk of await open(url)) {
    bytes += chunk.length;
    untilPause -= chunk.length;
    // Letters of one byte only, so a chunk ends between two.
    const [last = "", ...whole] = `${rest}${chunk}`.split("\n").reverse();
    rest = last;
    lines += whole.length;
    for (const line of whole) ids.add((JSON.parse(line) as { readonly id: string }).id);
    if (untilPause > 0 || pauseMs === 0) continue;
    untilPause = 262_144;
    await sleep(pauseMs);
  }
  expect(rest).toBe("");
  return { bytes, lines, ids, seconds: (performance.now() - start) / 1_000 };
}

// The kernel's own count of the peak is Linux's.
test.skipIf(process.platform !== "linux")(
  `an export of ${NOTES} notes takes no more memory than a page of them, for a fast client and a slow one`,
  { timeout: 600_000 },
  async () => {
    // In another process, so that what is measured is the service's and not the database's.
    await using server = await startSurreal({ engine: "rocksdb" });
    const env = {
      DATA_DIR: await temporaryFolder(),
      SURREAL_URL: server.url,
      SURREAL_USER: "root",
      SURREAL_PASS: "root",
      LOG_LEVEL: "error",
    };
    const maker = spawnService(env);
    const items = Array.from({ length: BATCH }, () => ({ ...note, content: "x".repeat(CONTENT) }));
    for (let made = 0; made < NOTES; made += BATCH) {
      const answer = await fetch(`${await maker.ready()}/notes/bulk`, json("POST", { items }));
      expect(answer.status).toBe(207);
      await answer.text();
    }
    maker.process.kill("SIGTERM");
    expect(await maker.exit).toBe(0);
    // Another process than the one that has made them: what that has left of its heap would hide what an export takes.
    const service = spawnService({ ...env, NODE_OPTIONS: SMALL_HEAP });
    const url = await service.ready();
    const pid = service.process.pid ?? Number.NaN;
    const before = await peakMb(pid);
    const [fast, slow] = await Promise.all([
      readExport(`${url}/notes/export`, 0),
      readExport(`${url}/notes/export`, 20),
    ]);
    const grownMb = (await peakMb(pid)) - before;
    for (const { lines, ids } of [fast, slow]) expect([lines, ids.size]).toEqual([NOTES, NOTES]);
    process.stdout.write(
      `${NOTES} notes, ${Math.round(fast.bytes / MB)} MB: fast ${fast.seconds.toFixed(1)} s, slow ${slow.seconds.toFixed(1)} s, ` +
        `the service's peak ${Math.round(before)} MB + ${Math.round(grownMb)} MB\n`,
    );
    expect(fast.bytes).toBeGreaterThan(BOUND_MB * MB);
    expect(grownMb).toBeLessThan(BOUND_MB);
  },
);
