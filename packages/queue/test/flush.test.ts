import { expect, test } from "vitest";
import { Committer } from "../src/committer.ts";
import { MemoryStore } from "../src/index.ts";

/** A store whose commits end when they are told to. */
function gated(): {
  readonly store: MemoryStore;
  readonly release: () => void;
  readonly noted: () => readonly number[];
} {
  const store = new MemoryStore();
  const commit = store.commit.bind(store);
  const gates: (() => void)[] = [];
  const noted: number[] = [];
  store.commit = async (batch) => {
    await new Promise<void>((resolve) => gates.push(resolve));
    await commit(batch);
    noted.push(...batch.notes.map(([seq]) => seq));
  };
  return { store, release: () => gates.shift()?.(), noted: () => noted };
}

test("each of several flushes resolves once its own notes are stored, though another of them began the commit", async () => {
  const { store, release, noted } = gated();
  const committer = new Committer(store, 1, { committed() {}, failed() {} }, () => 0);
  committer.note(1, "running");
  const running = committer.flush();
  const done: number[] = [];
  const flush = (seq: number): Promise<unknown> => {
    committer.note(seq, "later");
    return committer.flush().then(() => {
      expect(noted()).toContain(seq);
      done.push(seq);
    });
  };
  const later = [flush(2), flush(3)];
  release();
  await running;
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual([]);
  release();
  await Promise.all(later);
  expect(done).toEqual([2, 3]);
});
