import { RecordId, Uuid } from "surrealdb";
import { expect, test } from "vitest";
import { LiveWatches, type Push, type Watcher } from "../src/live-watches.ts";

class Notes implements Watcher {
  readonly seen: string[] = [];
  change({ action, value }: Parameters<Watcher["change"]>[0]): void {
    this.seen.push(`${action} ${String(value)}`);
  }
  killed(): void {
    this.seen.push("killed");
  }
  lost(): void {
    this.seen.push("lost");
  }
}

function push(id: Uuid, action: string, result: unknown = action): Push {
  return { id, action, result, record: new RecordId("t", "1") };
}

test("what comes before the id is known is not lost, and what is another's is not handed on", async () => {
  const watches = new LiveWatches();
  const notes = new Notes();
  const id = Uuid.v7();
  const started = watches.start(async () => {
    watches.push(push(id, "CREATE", 1));
    watches.push(push(Uuid.v7(), "CREATE", 2));
    await Promise.resolve();
    return id;
  }, notes);
  expect(watches.size).toBe(1);
  await started;
  watches.push(push(new Uuid(id.toString()), "UPDATE", 3));
  watches.push(push(Uuid.v7(), "DELETE", 4));
  expect(notes.seen).toEqual(["CREATE 1", "UPDATE 3"]);
});

test("one that the server kills is over", async () => {
  const watches = new LiveWatches();
  const notes = new Notes();
  const id = await watches.start(async () => Uuid.v7(), notes);
  watches.push(push(id, "KILLED"));
  watches.push(push(id, "CREATE"));
  watches.end(new Error("gone"));
  expect(notes.seen).toEqual(["killed"]);
  expect([watches.size, watches.remove(id)]).toEqual([0, false]);
});

test("all that stand are lost with their connection, and one that begins then does not begin", async () => {
  const watches = new LiveWatches();
  const notes = new Notes();
  await watches.start(async () => Uuid.v7(), notes);
  const late = watches.start(async () => {
    watches.end(new Error("gone"));
    return Uuid.v7();
  }, new Notes());
  await expect(late).rejects.toMatchObject({ code: "CONNECTION_FAILED", retryable: true });
  expect([notes.seen, watches.size]).toEqual([["lost"], 0]);
});

test("a start that fails leaves nothing", async () => {
  const watches = new LiveWatches();
  await expect(watches.start(() => Promise.reject(new Error("no")), new Notes())).rejects.toThrow("no");
  expect(watches.size).toBe(0);
});
