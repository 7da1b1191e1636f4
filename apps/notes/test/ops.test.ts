import { channel } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { EventStreams } from "../src/event-streams.ts";
import { Operator } from "../src/operator.ts";
import { type Feed, HISTORY, SERIES, type Snapshot } from "../src/ops-feed.ts";
import { Latencies } from "../src/ops-latencies.ts";
import { Minute } from "../src/ops-minute.ts";
import { Recorder } from "../src/ops-recorder.ts";
import { opsRoutes } from "../src/ops-routes.ts";
import { note, startApp } from "./harness.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const about: Snapshot["about"] = {
  service: "notes",
  version: "1.2.3",
  startedAt: 0,
  node: "24",
  configuration: [["PORT", "8080"]],
  hasOperator: false,
  hasLab: false,
};

async function start(): Promise<{ harness: Awaited<ReturnType<typeof startApp>>; recorder: Recorder }> {
  const harness = await startApp();
  const recorder = new Recorder({ db: harness.db, pools: () => [], isDraining: () => false, slowMs: 100 });
  onTestFinished(() => recorder.close());
  return { harness, recorder };
}

function figure(recorder: Recorder, name: (typeof SERIES)[number]): number | null {
  return recorder.samples.at(-1)?.[SERIES.indexOf(name)] ?? null;
}

test("a quantile is right to its bucket's twelve per cent", () => {
  const latencies = new Latencies();
  expect(latencies.quantile(0.5)).toBeNull();
  for (let ms = 1; ms <= 1_000; ms += 1) latencies.add(ms);
  for (const q of [0.5, 0.95, 0.99]) {
    const got = latencies.quantile(q) ?? 0;
    expect(got).toBeGreaterThanOrEqual(q * 1_000 * 0.99);
    expect(got).toBeLessThanOrEqual(q * 1_000 * 1.13);
  }
  latencies.add(0);
  latencies.add(1e12);
  expect(latencies.count).toBe(1_002);
});

test("the last minute forgets second by second, and holds forty kinds at most", () => {
  const minute = new Minute();
  for (let kind = 0; kind < 60; kind += 1) minute.add(`kind${kind}`, 1, false);
  expect(minute.rows()).toHaveLength(41);
  expect(minute.rows().find(({ key }) => key === "other")?.calls).toBe(20);
  for (let second = 0; second < 59; second += 1) minute.turn();
  expect(minute.rows()).toHaveLength(41);
  minute.turn();
  expect(minute.rows()).toHaveLength(0);
});

test("calls, errors and states are seen, and the past is bounded", async () => {
  const { harness, recorder } = await start();
  await harness.db.create("notes", note);
  await harness.db.read("notes:none");
  await harness.db.delete("notes:none").catch(() => {});
  await vi.advanceTimersByTimeAsync(1_000);
  expect([figure(recorder, "rate"), figure(recorder, "errors")]).toEqual([3, 1]);
  expect(figure(recorder, "p99")).toBeGreaterThan(0);
  expect(recorder.tables().errors).toEqual([{ code: "NOT_FOUND", count: 1 }]);
  expect(recorder.tables().operations).toContainEqual(
    expect.objectContaining({ operation: "create", collection: "notes", calls: 1, errors: 0 }),
  );
  expect(recorder.headline()).toMatchObject({ state: "connected", refusing: false, draining: false });
  await vi.advanceTimersByTimeAsync((HISTORY + 100) * 1_000);
  expect(recorder.samples).toHaveLength(HISTORY);
  expect(figure(recorder, "rate")).toBe(0);
});

test("an event that is none does not end the process", async () => {
  const { recorder } = await start();
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  const fatal = vi.fn();
  process.on("uncaughtException", fatal);
  onTestFinished(() => {
    process.off("uncaughtException", fatal);
  });
  for (const name of ["tracing:db:operation:asyncEnd", "tracing:db:pool:acquire:start", "db:state", "db:retry"])
    for (const message of [null, undefined, 7, {}]) channel(name).publish(message);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(fatal).not.toHaveBeenCalled();
  expect(warn).toHaveBeenCalled();
  expect(recorder.samples).toHaveLength(1);
});

test("the stream begins with the whole, goes on once a second, and never holds what was written", async () => {
  const { harness, recorder } = await start();
  const streams = new EventStreams();
  const app = opsRoutes({
    recorder,
    streams,
    about,
    queue: undefined,
    operator: new Operator(""),
    labUrl: "",
    assets: undefined,
  });
  await harness.db.create("notes", { ...note, title: "SECRET" });
  await vi.advanceTimersByTimeAsync(1_000);
  const answer = await app.request("/ops/events");
  await vi.advanceTimersByTimeAsync(2_000);
  streams.close();
  const text = await answer.text();
  const events = text.split("\n\n").flatMap((block) => {
    const [, event, data] = /event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
    return event === undefined ? [] : [{ event, data: JSON.parse(data ?? "") as Feed[keyof Feed] }];
  });
  expect(events.map(({ event }) => event)).toEqual(["snapshot", "tick", "tick", "bye"]);
  expect(events[0]?.data).toHaveProperty("samples");
  expect((events.at(0)?.data as Snapshot | undefined)?.samples).toHaveLength(1);
  expect(text).not.toContain("SECRET");
  const perSecond = text.length - JSON.stringify(events[0]?.data).length;
  expect(perSecond / 2).toBeLessThan(2_048);
});

test("a page that was not built says how to build it, and watchers are bounded", async () => {
  const { recorder } = await start();
  const streams = new EventStreams();
  const app = opsRoutes({
    recorder,
    streams,
    about,
    queue: undefined,
    operator: new Operator(""),
    labUrl: "",
    assets: undefined,
  });
  app.onError((error, c) => c.text(error.message, 503));
  expect(await (await app.request("/ops")).text()).toContain("npm run build");
  for (let watcher = 0; watcher < 50; watcher += 1) expect((await app.request("/ops/events")).status).toBe(200);
  expect((await app.request("/ops/events")).status).toBe(503);
  streams.close();
  expect((await app.request("/ops/events")).status).toBe(200);
});
