import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Backlog } from "../src/backlog.ts";
import { readEntry, writeEntry } from "../src/entry.ts";
import { hashText, laneKey } from "../src/hash.ts";
import { HashIndex } from "../src/hash-index.ts";
import { MemoryStore } from "../src/memory-store.ts";
import { formatMeta, newMeta, parseMeta } from "../src/meta.ts";
import { formatNote, NO_NOTE, parseNote } from "../src/note.ts";
import { MAX_OUTCOMES, Outcomes } from "../src/outcomes.ts";
import { isPlainJson } from "../src/plain.ts";
import { Tidier } from "../src/tidier.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of array buffers that are still used: how soon a Node frees the others is its own affair. */
function held(): number {
  collect();
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe("an entry", () => {
  const written = (): Buffer => {
    const buffer = Buffer.alloc(300);
    const head = { codec: 3, maybeApplied: true, queuedAt: 1_700_000_000_123, lane: 2 ** 52 + 1, operation: 17 };
    return buffer.subarray(0, writeEntry(buffer, 0, head, "op:1", Uint8Array.of(1, 2, 3)));
  };

  test("is read as it was written", () => {
    expect(readEntry(written())).toMatchObject({
      codec: 3,
      maybeApplied: true,
      queuedAt: 1_700_000_000_123,
      lane: 2 ** 52 + 1,
      operation: 17,
      operationId: "op:1",
    });
  });

  test("with any bit flipped, or cut anywhere, is none", () => {
    const bytes = written();
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(readEntry(flipped)).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length += 1)
      expect(readEntry(bytes.subarray(0, length))).toBeUndefined();
  });

  test("of a later version is none, though its checksum is right", () => {
    const bytes = written();
    bytes[4] = 2;
    bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
    expect(readEntry(bytes)).toBeUndefined();
  });
});

test("a hash index finds what a map finds, in any course of additions and removals", () => {
  const step = fc.record({ key: fc.nat(40), add: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const keys: number[] = [];
      const index = new HashIndex((row) => (keys[row] ?? 0) * 16);
      const model = new Map<number, number>();
      for (const { key, add } of steps) {
        const row = model.get(key);
        if (add && row === undefined) {
          keys.push(key);
          model.set(key, keys.length - 1);
          index.add(keys.length - 1);
        } else if (!add && row !== undefined) {
          index.remove(row);
          index.remove(row);
          model.delete(key);
        }
      }
      for (let key = 0; key <= 40; key += 1) expect(index.find(key * 16)).toBe(model.get(key) ?? -1);
    }),
  );
});

test("hashes are of 53 bits, spread, and other for another seed", () => {
  const hashes = Array.from({ length: 20_000 }, (_, index) => hashText(`notes:${index}`, [1, 2]));
  expect(new Set(hashes).size).toBe(20_000);
  for (const hash of hashes) expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
  const buckets = new Array<number>(16).fill(0);
  for (const hash of hashes) buckets[hash & 15] = (buckets[hash & 15] ?? 0) + 1;
  for (const count of buckets) expect(count).toBeGreaterThan(1_000);
  expect(hashText("notes:1", [1, 3])).not.toBe(hashes[1]);
  expect(laneKey("notes:1", { namespace: "a", database: "b" })).not.toBe(laneKey("notes:1", undefined));
});

test("the index of a million entries takes about what its columns take, and gives it back", () => {
  const backlog = new Backlog();
  const head = { codec: 1, maybeApplied: false, queuedAt: 0, lane: 0, operation: 0 };
  const before = held();
  for (let seq = 1; seq <= 1_000_000; seq += 1)
    backlog.add(seq, 300, { ...head, lane: seq * 7, operation: seq * 11 }, true);
  expect(backlog).toMatchObject({ count: 1_000_000, bytes: 300_000_000, laneCount: 1_000_000, liveCount: 1_000_000 });

  expect(held() - before).toBeLessThan(90 * 2 ** 20);
  for (let lane = backlog.takeLane(); lane !== -1; lane = backlog.takeLane()) {
    const row = backlog.cursorOf(lane);
    backlog.done(row);
    backlog.remove(row);
    backlog.release(lane);
  }
  expect(backlog).toMatchObject({ count: 0, bytes: 0, laneCount: 0, oldestQueuedAt: undefined });
  expect(backlog.add(1, 1, head, true)).toBeLessThan(64);
}, 30_000);

describe("what is stored beside entries", () => {
  test("a note that cannot be understood is none", () => {
    const note = {
      attempts: 2,
      lastError: { code: "CONFLICT", message: "m", at: 1 },
      deadSince: 3,
      unknownSince: 4,
    } as const;
    expect(parseNote(formatNote(note))).toEqual(note);
    expect(parseNote(formatNote(NO_NOTE))).toEqual(NO_NOTE);
    for (const text of ["", "null", "[]", '{"attempts":"2","lastError":{"code":"NEW"},"deadSince":"x"}'])
      expect(parseNote(text)).toEqual(NO_NOTE);
  });

  test("meta that cannot be understood is none", () => {
    const meta = newMeta();
    expect(parseMeta(formatMeta(meta))).toEqual(meta);
    for (const text of ["", "null", "{}", '{"seed":[1]}', '{"seed":[1,2],"nextSeq":"1","replayedAt":0}'])
      expect(parseMeta(text)).toBeUndefined();
  });

  test("outcomes are so many at most, the oldest go first", () => {
    const at = Date.now();
    const outcomes = new Outcomes(60_000, [{ at, state: "dead", operations: Float64Array.of(-1), detail: undefined }]);
    expect(outcomes.get(-1)).toBe("dead");
    expect(outcomes.oldestAt).toBeLessThanOrEqual(Date.now() - 60_000 + 1);
    for (let operation = 0; operation < MAX_OUTCOMES; operation += 1) outcomes.add(operation, "applied", at + 1);
    expect(outcomes.get(-1)).toBeUndefined();
    expect(outcomes.get(0)).toBe("applied");
    expect(outcomes.oldestAt).toBe(at + 1);
  });
});

test("plain JSON is told from what needs a closer look", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 60; level += 1) deep = [deep];
  for (const value of ["a", 1, true, null, [1, { a: [] }], {}]) expect(isPlainJson(value)).toBe(true);
  const odd = [
    -0,
    Number.NaN,
    1n,
    undefined,
    "\ud800",
    new Date(),
    { $a: 1 },
    { "": 1 },
    { a: { b: 1n } },
    [1n],
    deep,
    Object.create(null),
  ];
  for (const value of odd) expect(isPlainJson(value)).toBe(false);
});

test("a store gives space back at once, and then not before ten seconds have passed, if that is due still", async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const store = new MemoryStore();
  const tidy = vi.spyOn(store, "tidy");
  const errors: unknown[] = [];
  let isDue = true;
  const tidier = new Tidier(
    store,
    () => isDue,
    (error) => errors.push(error),
  );
  tidier.soon();
  tidier.soon();
  tidier.soon();
  expect(tidy).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(10_001);
  expect(tidy).toHaveBeenCalledTimes(2);
  isDue = false;
  tidier.soon();
  await vi.advanceTimersByTimeAsync(10_001);
  await tidier.end();
  expect(tidy).toHaveBeenCalledTimes(2);
  isDue = true;
  tidy.mockRejectedValueOnce(new Error("no space to give space back"));
  await tidier.end();
  expect(errors).toHaveLength(1);
});
