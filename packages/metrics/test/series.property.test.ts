import { tracingChannel } from "node:diagnostics_channel";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SeriesTable } from "../src/series.ts";
import { type Series, telemetry } from "./support/telemetry.ts";

const runs = process.env.DB_TEST_SIZE === "full" ? 5_000 : 300;

describe("of any course of records", () => {
  test("there are never more series than the limit and one, and the same values always have the same", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 60 }),
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 4 }),
            fc.option(fc.constantFrom("A", "B", "C", "D"), { nil: undefined }),
            fc.option(fc.integer({ min: 0, max: 200 }).map(String), { nil: undefined }),
          ),
          { maxLength: 400 },
        ),
        (limit, records) => {
          const table = new SeriesTable({ names: ["op", "error.type", "free"], limit, crowded: ["free"] });
          const seen = new Map<object, number>();
          let failures = 0;
          for (const values of records) {
            const attributes = table.attributesOf(values);
            expect(table.attributesOf(values)).toBe(attributes);
            seen.set(attributes, (seen.get(attributes) ?? 0) + 1);
            if ("error.type" in attributes) failures += 1;
          }
          expect(seen.size).toBeLessThanOrEqual(limit + 1);
          expect(table.size).toBe(seen.size);
          expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBe(records.length);
          expect(failures).toBe(records.filter(([, error]) => error !== undefined).length);
        },
      ),
      { numRuns: runs },
    );
  });
});

describe("with the real SDK under a cumulative reader", () => {
  const limit = 50;
  const publish = (collection: string, kind: string, error?: object): void => {
    tracingChannel("db:operation").asyncEnd.publish({
      driver: "mock",
      target: undefined,
      namespace: "shop|main",
      kind,
      collection,
      startedAt: performance.now() - 10,
      ...(error === undefined ? {} : { error }),
    });
  };
  const sum = (series: readonly Series[], failed?: boolean): number =>
    series
      .filter(({ labels }) => failed === undefined || "error.type" in labels === failed)
      .reduce((total, { count = 0 }) => total + count, 0);

  test("collections without end, over many scrapes, stay bounded, and every call is counted", async () => {
    const { series, metrics } = telemetry({ level: "detailed", maxSeries: limit });
    let calls = 0;
    let failures = 0;
    for (let scrape = 0; scrape < 5; scrape += 1) {
      for (let index = 0; index < 300; index += 1) {
        const kind = ["read", "find", "create"][index % 3] ?? "";
        publish(`c${scrape}-${index}`, kind);
        publish(`c${scrape}-${index}`, kind, { code: "CONFLICT" });
        publish("orders", "read");
        calls += 3;
        failures += 1;
      }
      const found = await series("db.client.operation.duration");
      expect(found.length).toBeLessThanOrEqual(limit + 1);
      expect(sum(found)).toBe(calls);
      expect(sum(found, true)).toBe(failures);
    }
    const found = await series("db.client.operation.duration");
    // What was there first keeps its name, what came later is told apart at least by operation and error.
    expect(found.some(({ labels }) => labels["db.collection.name"] === "c0-0")).toBe(true);
    expect(found).toContainEqual(
      expect.objectContaining({
        labels: {
          "db.system.name": "mock",
          "db.namespace": "_other",
          "db.operation.name": "read",
          "error.type": "CONFLICT",
          "db.collection.name": "_other",
        },
      }),
    );
    const { problems, series: used } = metrics.selfCheck();
    expect(used["db.client.operation.duration"]).toMatchObject({ limit, overflowed: expect.any(Number) });
    expect(problems.join()).toMatch(
      /db\.client\.operation\.duration has more series than maxSeries: \d+ records went to _other/,
    );
  });

  test("error codes without end end in one series of failures, beside one of successes", async () => {
    const { series } = telemetry({ maxSeries: 16 });
    for (let index = 0; index < 500; index += 1) {
      publish("notes", `kind${index}`, { code: `CODE_${index}` });
      publish("notes", `kind${index}`);
    }
    const found = await series("db.client.operation.duration");
    expect(found.length).toBeLessThanOrEqual(17);
    expect([sum(found, true), sum(found, false)]).toEqual([500, 500]);
  });
});

test("a label is no longer than 255 characters", () => {
  const table = new SeriesTable({ names: ["queue"], limit: 16 });
  expect(table.attributesOf(["x".repeat(1_000)])).toEqual({ queue: "x".repeat(255) });
});
