import { expect, test } from "vitest";
import { json, MemoryStore, WriteQueue, type WriteQueueOptions } from "../src/index.ts";

const memory = { durability: "memory" } as const;

test.each<[string, unknown, string]>([
  ["nothing", undefined, "expected an object of options"],
  ["no path", {}, "path: expected the path of a file, got undefined"],
  ["an empty path", { path: "" }, "path: expected the path of a file"],
  ["a path for memory", { path: "/x", ...memory }, 'path: expected nothing with the durability "memory"'],
  ["a path beside a store", { path: "/x", store: new MemoryStore() }, "path: expected nothing beside a store"],
  ["a store that is none", { store: {} }, "store.open: expected a function"],
  ["a typo", { ...memory, maxEntry: 5 }, 'unknown option "maxEntry"'],
  ["another durability", { path: "/x", durability: "never" }, 'expected "fsync" or "os" or "memory"'],
  ["no room", { ...memory, maxEntries: 0 }, "maxEntries: expected an integer in 1..100000000, got 0 (number)"],
  ["tiny entries", { ...memory, maxEntryBytes: 10 }, "maxEntryBytes: expected an integer in 1024..67108864"],
  ["bytes as text", { ...memory, maxBytes: "1 GB" }, "maxBytes: expected an integer"],
  ["another overflow", { ...memory, overflow: "drop" }, 'overflow: expected "reject" or "wait"'],
  ["another policy", { ...memory, onCorruption: "ignore" }, 'onCorruption: expected "refuse" or "quarantine"'],
  ["a yes", { ...memory, readYourWrites: "yes" }, "readYourWrites: expected a boolean"],
  ["no concurrency", { ...memory, concurrency: 0 }, "concurrency: expected an integer in 1..1000"],
  ["no time", { ...memory, attemptTimeoutMs: 0 }, "attemptTimeoutMs: expected a number of milliseconds"],
  ["no name", { ...memory, name: "" }, "name: expected a non-empty text"],
  ["a codec by name", { ...memory, codec: "json" }, "codec: expected a codec { id: 1..255, name, encode, decode }"],
  ["codecs that are none", { ...memory, codecs: [{}] }, "codecs[0]: expected a codec"],
  ["a codec with the id of another", { ...memory, codec: { ...json, name: "own" } }, "the id 1, which json has"],
  [
    "two codecs of one id",
    {
      ...memory,
      codecs: [
        { ...json, id: 70, name: "a" },
        { ...json, id: 70, name: "b" },
      ],
    },
    "codecs",
  ],
  ["one codec alone", { ...memory, codecs: {} }, "codecs: expected an array of codecs"],
])("%s is a mistake that open names", async (_what, options, message) => {
  await expect(WriteQueue.open(options as WriteQueueOptions)).rejects.toThrow(message);
});

test("an option that is undefined is one that is not given", async () => {
  await using queue = await WriteQueue.open({ ...memory, name: undefined } as unknown as WriteQueueOptions);
  expect(queue.name).toBe("queue");
});
