import { DatabaseErrorOf } from "@db/core";
import { RecordId } from "surrealdb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LedgerPruner } from "../src/ledger-pruner.ts";
import { FakeSession } from "./support/fake-session.ts";

const WEEK_MS = 604_800_000;
const HOUR_MS = 3_600_000;

describe("a pruner", () => {
  let warnings: string[];
  let missing: string[];
  beforeEach(() => {
    vi.useFakeTimers();
    warnings = [];
    missing = [];
    vi.spyOn(process, "emitWarning").mockImplementation((message) => void warnings.push(String(message)));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  const prunerOver = (session: FakeSession, retentionMs = WEEK_MS): LedgerPruner =>
    new LedgerPruner(session, retentionMs, (key) => missing.push(key));

  test("looks at both ranges of a place soon after it was first written to, and then every hour", async () => {
    const session = new FakeSession(() => []);
    const pruner = prunerOver(session);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(session.asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.asked.map(({ values }) => values._from)).toEqual(["", "~"]);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(session.asked).toHaveLength(4);
    pruner.close();
    await vi.advanceTimersByTimeAsync(10 * HOUR_MS);
    expect(session.asked).toHaveLength(4);
  });

  test("does not look at timed rows that cannot be old yet", async () => {
    const session = new FakeSession(() => []);
    const pruner = prunerOver(session);
    vi.setSystemTime(0x0199_0000_0000 + WEEK_MS);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    // Up to the retention, as the first characters of a UUIDv7 tell it.
    expect(String(session.asked[0]?.values._to)).toMatch(/^01990000-[0-9a-f]{4}-8$/);
    pruner.close();
  });

  test("goes on behind a full page until one is not full, and deletes the old ones alone", async () => {
    const rows = Array.from({ length: 100 }, (_, n) => ({ id: new RecordId("db-ledger", `~${n}`), old: n % 2 === 0 }));
    const session = new FakeSession(({ text, values }) => {
      if (text.startsWith("DELETE")) return [];
      return values._from === "~" ? rows : [];
    });
    const pruner = prunerOver(session);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(20_000);
    const [, , deletion, after] = session.asked;
    expect(deletion?.values._old).toEqual(rows.filter(({ old }) => old).map(({ id }) => id));
    expect(after?.values._from).toBe("~99");
    expect(session.asked).toHaveLength(4);
    pruner.close();
  });

  test("says once that it cannot prune where that will not pass, and says nothing in an outage", async () => {
    const outage = new DatabaseErrorOf("CONNECTION_FAILED", "away", {});
    const session = new FakeSession(() => Promise.reject(outage));
    const pruner = prunerOver(session);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(3 * HOUR_MS);
    expect(warnings).toEqual([]);
    session.answer = () => Promise.reject(new DatabaseErrorOf("PERMISSION_DENIED", "no", {}));
    await vi.advanceTimersByTimeAsync(3 * HOUR_MS);
    expect(warnings).toEqual(["the ledger cannot be pruned and will grow: PERMISSION_DENIED"]);
    pruner.close();
  });

  test("forgets a place whose table is gone, and goes on with the others", async () => {
    const gone = Object.assign(new Error("no table"), { kind: "NotFound", details: { kind: "Table" } });
    const session = new FakeSession((_, { scope }) => {
      if (scope?.database === "gone") throw new DatabaseErrorOf("NOT_FOUND", "no", { id: "" }, { cause: gone });
      return [];
    });
    const pruner = prunerOver(session);
    pruner.add("gone", { namespace: "n", database: "gone" });
    pruner.add("kept", { namespace: "n", database: "kept" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect([missing, session.asked.length]).toEqual([["gone"], 3]);
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect([session.asked.length, warnings]).toEqual([5, []]);
    pruner.close();
  });

  test("that is closed in the middle of a page ends it, and asks for no other", async () => {
    const session = new FakeSession(
      (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const pruner = prunerOver(session);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(10_500);
    expect(session.asked).toHaveLength(1);
    pruner.close();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect([session.asked.length, warnings]).toEqual([1, []]);
  });

  test("of a short retention looks ten times in it", async () => {
    const session = new FakeSession(() => []);
    const pruner = prunerOver(session, 1_000);
    pruner.add("", undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.asked.length).toBeGreaterThanOrEqual(14);
    pruner.close();
  });
});
