import type { LiveChange } from "@db/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LiveOrder } from "../src/live-order.ts";

const change = (id: string, n: number): LiveChange => ({ action: "update", id, row: { id, n } });

describe("changes that arrive in any order", () => {
  let told: (readonly [id: string, n: unknown])[];
  let stragglers: number;
  let order: LiveOrder;
  beforeEach(() => {
    vi.useFakeTimers();
    told = [];
    stragglers = 0;
    order = new LiveOrder(
      ({ id, row }) => told.push([id, row.n]),
      () => {
        stragglers += 1;
      },
    );
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("within the window are told as they were made, and not before it has passed", () => {
    for (const n of [3, 1, 2]) order.add(BigInt(n), change("a:1", n));
    vi.advanceTimersByTime(19);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(2);
    expect(told.map(([, n]) => n)).toEqual([1, 2, 3]);
  });

  test("of one stamp stay as they came", () => {
    for (const n of [1, 2, 3]) order.add(7n, change("a:1", n));
    order.flush();
    expect(told.map(([, n]) => n)).toEqual([1, 2, 3]);
  });

  test("each wait no longer than the window while others go on coming", () => {
    for (let n = 0; n < 100; n += 1) {
      order.add(BigInt(n), change("a:1", n));
      vi.advanceTimersByTime(1);
    }
    expect(told.length).toBeGreaterThanOrEqual(75);
  });

  test("behind a newer one of their record that was told are not told: a straggler is", () => {
    order.add(2n, change("a:1", 2));
    order.flush();
    order.add(1n, change("a:1", 1));
    order.add(1n, change("a:2", 1));
    order.flush();
    expect([told, stragglers]).toEqual([
      [
        ["a:1", 2],
        ["a:2", 1],
      ],
      1,
    ]);
  });

  test("that were cleared are never told", () => {
    order.add(1n, change("a:1", 1));
    order.clear();
    vi.advanceTimersByTime(100);
    expect(told).toEqual([]);
    order.add(2n, change("a:1", 2));
    vi.advanceTimersByTime(30);
    expect(told).toEqual([["a:1", 2]]);
  });

  test("behind a newer one of their record that was cleared are not told: whoever reads anew has seen the newer one", () => {
    order.add(2n, change("a:1", 2));
    order.clear();
    order.add(1n, change("a:1", 1));
    order.flush();
    expect([told, stragglers]).toEqual([[], 1]);
  });

  test("in a burst do not wait for the window to fill memory", () => {
    for (let n = 0; n < 25_000; n += 1) order.add(BigInt(n), change(`a:${n}`, n));
    expect(told.length).toBeGreaterThan(10_000);
    order.add(0n, change("a:20000", 0));
    expect(stragglers).toBe(1);
  });

  test("are never told older after newer for one record, however late they come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: fc.nat(2), stamp: fc.nat(50), wait: fc.nat(30) }), { maxLength: 60 }),
        (arrivals) => {
          let late = 0;
          const last = new Map<string, number>();
          const any = new LiveOrder(
            ({ id, row }) => {
              expect(Number(row.n)).toBeGreaterThanOrEqual(last.get(id) ?? 0);
              last.set(id, Number(row.n));
              late -= 1;
            },
            () => {
              late -= 1;
            },
          );
          for (const { id, stamp, wait } of arrivals) {
            late += 1;
            any.add(BigInt(stamp), change(`a:${id}`, stamp));
            vi.advanceTimersByTime(wait);
          }
          any.flush();
          any.clear();
          // Each was told, or told of.
          expect(late).toBe(0);
        },
      ),
    );
  });
});
