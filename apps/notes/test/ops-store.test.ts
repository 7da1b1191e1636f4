import { beforeEach, expect, test, vi } from "vitest";
import { HISTORY, SERIES, type Snapshot } from "../src/ops-feed.ts";

class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  static made: FakeSource[] = [];
  readyState = 1;

  constructor() {
    super();
    FakeSource.made.push(this);
  }

  tell(event: string, data: unknown): void {
    this.dispatchEvent(Object.assign(new Event(event), { data: JSON.stringify(data) }));
  }
}

const headline = { at: 0, state: "connected" } as Snapshot["headline"];
const seconds = (...at: readonly number[]) => at.map((second) => [second, ...SERIES.slice(1).map(() => null)]);
const snapshot = (samples: readonly unknown[]) => ({ headline, samples, timeline: [], slow: [] });

async function start() {
  FakeSource.made = [];
  vi.resetModules();
  const store = await import("../ops/store.ts");
  store.connect();
  return { ...store, source: FakeSource.made[0] as FakeSource, shown: () => store.column("at", store.samples.value) };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeSource);
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

test("frozen charts stand still, also over a new connection, and miss nothing afterwards", async () => {
  const { source, shown, setFrozen } = await start();
  source.tell("snapshot", snapshot(seconds(1, 2)));
  setFrozen(true);
  source.tell("tick", { sample: seconds(3)[0], headline });
  source.tell("snapshot", snapshot(seconds(2, 3, 4)));
  source.tell("tick", { sample: seconds(5)[0], headline });
  expect(shown()).toEqual([1, 2]);
  setFrozen(false);
  expect(shown()).toEqual([2, 3, 4, 5]);
  for (let second = 6; second < HISTORY + 20; second += 1)
    source.tell("tick", { sample: seconds(second)[0], headline });
  expect(shown()).toHaveLength(HISTORY);
});

test("a goodbye is the last word, until the next one", async () => {
  const { source, heardAt, saidBye } = await start();
  source.tell("snapshot", snapshot([]));
  source.tell("bye", {});
  const at = heardAt.value;
  expect([saidBye.value, at]).toEqual([true, Date.now()]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(heardAt.value).toBe(at);
  source.tell("snapshot", snapshot([]));
  expect(saidBye.value).toBe(false);
});

test("a stream that an answer has ended for good is asked for again", async () => {
  const { source } = await start();
  source.readyState = 0;
  source.dispatchEvent(new Event("error"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(FakeSource.made).toHaveLength(1);
  source.readyState = FakeSource.CLOSED;
  source.dispatchEvent(new Event("error"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(FakeSource.made).toHaveLength(2);
});

test("a second before the first is none", async () => {
  const { source, secondsAgo } = await start();
  source.tell("snapshot", snapshot(seconds(1, 2, 3)));
  expect([0, 2, 3, 4].map((ago) => secondsAgo(ago)[0])).toEqual([3, 1, undefined, undefined]);
});
