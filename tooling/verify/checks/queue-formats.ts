import { join } from "node:path";
import { createDatabase, type DatabaseService, equalValues, type Fields } from "@db/core";
import { type Codec, json, WriteQueue } from "@db/queue";
import { cbor } from "@db/queue/cbor";
import { messagepack } from "@db/queue/messagepack";
import { v8 } from "@db/queue/v8";
import { MockDatabase } from "@db/testing";
import type { Check, Ground } from "../check.ts";

const FORMATS: readonly Codec[] = [json, messagepack, cbor, v8];
const WRITES = 500;
/** One value of each kind that a format may lose. */
const DATA: Fields = {
  text: "Größe 👩‍🚀",
  whole: 9_007_199_254_740_993n,
  part: 0.1,
  at: new Date(0),
  bytes: new Uint8Array([0, 255]),
  none: null,
  list: [1, "two", { three: true }],
};

export const queueFormats: Check = {
  name: "queue",
  about: "writes of an outage are stored in each format, survive the process, and are applied once",
  async run({ claim }, ground) {
    for (const codec of FORMATS) {
      const path = join(await ground.folder(), "queue.db");
      const { ids, ms } = await storeInOutage(path, codec);
      const { rows, outcomes, calls } = await applyAll(path, codec, ids);
      const whole = rows.filter((row) => isWhole(row)).length;
      claim(
        `${codec.name}: ${WRITES} writes come back as they were, after a restart`,
        whole === WRITES && outcomes === WRITES,
        `${whole} whole, ${outcomes} applied; ${Math.round((WRITES / ms) * 1_000)} stored a second`,
      );
      claim(`${codec.name}: … each applied once`, calls === WRITES, `${calls} writes at the database`);
    }
    await mixed(ground, claim);
  },
};

/** Entries of all formats in one file. */
async function mixed(ground: Ground, claim: (what: string, holds: boolean, measured: string) => void): Promise<void> {
  const path = join(await ground.folder(), "queue.db");
  const ids: string[] = [];
  for (const codec of FORMATS) {
    await using queue = await WriteQueue.open({ path, codec, codecs: FORMATS });
    ids.push((await queue.enqueue({ kind: "create", id: `notes:${codec.name}`, data: DATA })).id);
  }
  const { rows } = await applyAll(path, json, ids);
  const whole = rows.filter(isWhole).length;
  claim("one file may hold entries of all four", whole === FORMATS.length, `${whole} of ${FORMATS.length}`);
}

async function storeInOutage(path: string, codec: Codec): Promise<{ ids: readonly string[]; ms: number }> {
  const driver = new MockDatabase();
  await using queue = await WriteQueue.open({ path, codec });
  await using db = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  driver.goAway();
  const start = performance.now();
  const written = await Promise.all(Array.from({ length: WRITES }, () => db.create("notes", DATA)));
  const ms = performance.now() - start;
  const ids = written.filter(({ status }) => status === "queued").map(({ id }) => id);
  return { ids, ms };
}

interface Applied {
  readonly rows: readonly (Fields | undefined)[];
  readonly outcomes: number;
  readonly calls: number;
}

async function applyAll(path: string, codec: Codec, ids: readonly string[]): Promise<Applied> {
  const driver = new MockDatabase();
  await using queue = await WriteQueue.open({ path, codec, codecs: FORMATS });
  await using db: DatabaseService = createDatabase({ driver, layers: [queue.layer] });
  await db.connect();
  await queue.barrier();
  const rows = await Promise.all(ids.map((id) => db.read(id)));
  const calls = driver.calls.filter(({ kind, outcome }) => kind === "create" && outcome === "done").length;
  return { rows, outcomes: ids.length - queue.stats().pending - queue.stats().dead, calls };
}

function isWhole(row: Fields | undefined): boolean {
  if (row === undefined) return false;
  const { id: _, ...data } = row;
  return equalValues(data, DATA);
}
