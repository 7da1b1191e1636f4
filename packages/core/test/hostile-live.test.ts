import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { DatabaseErrorOf, type DatabaseService, type Driver, type LiveEvent } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { connected, failure, hang, rejection } from "./support/service.ts";

checkLeaksAfterEach();

const started: LiveEvent = { action: "resync", reason: "started" };
const boom = (): never => {
  throw new TypeError("secret");
};

type Live = NonNullable<Driver["live"]>;

function over(live: Live): Promise<DatabaseService> {
  return connected({ capabilities: { liveQueries: true }, live });
}

/** Answers as often as told, and then never. */
function mute(answers: readonly LiveEvent[], close: () => Promise<never> = hang): Live {
  const left = [...answers];
  return () => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const value = left.shift();
        return value === undefined ? hang() : { value, done: false };
      },
      return: close,
    }),
  });
}

describe("a live query whose driver", () => {
  test.each<[string, Live]>([
    ["throws at once", boom],
    ["gives nothing to iterate", () => undefined as never],
    ["rejects", () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new TypeError("secret")) }) })],
    ["answers with no step", () => ({ [Symbol.asyncIterator]: () => ({ next: async () => undefined as never }) })],
  ])("%s ends with a DatabaseError", async (_name, live) => {
    const db = await over(live);
    const events = db.live("notes")[Symbol.asyncIterator]();
    expect(await failure(events.next())).toMatchObject({ code: "INTERNAL", effect: "none" });
    expect(await events.next()).toEqual({ value: undefined, done: true });
    await db.disconnect();
  });

  test("never says that it stands ends at its time limit", async () => {
    const db = await over(mute([]));
    const events = db.live("notes", { timeoutMs: 10 })[Symbol.asyncIterator]();
    expect(await failure(events.next())).toMatchObject({ code: "QUERY_TIMEOUT", facts: { timeoutMs: 10 } });
    await db.disconnect();
  });

  test("knows at its time limit why it does not stand says so itself", async () => {
    const away = new DatabaseErrorOf("CONNECTION_FAILED", "away", {});
    const db = await over(() => ({
      [Symbol.asyncIterator]: () => ({ next: () => wait(30).then(() => Promise.reject(away)) }),
    }));
    const events = db.live("notes", { timeoutMs: 10 })[Symbol.asyncIterator]();
    expect(await failure(events.next())).toBe(away);
    await db.disconnect();
  });

  test("does not listen ends all the same with the caller's signal", async () => {
    const db = await over(mute([started]));
    const caller = new AbortController();
    const events = db.live("notes", { signal: caller.signal, timeoutMs: 10 })[Symbol.asyncIterator]();
    expect(await events.next()).toEqual({ value: started, done: false });
    const next = events.next();
    await wait(30);
    caller.abort();
    expect(await next).toEqual({ value: undefined, done: true });
    await db.disconnect();
  });

  test("does not listen ends all the same with the service", async () => {
    const db = await over(mute([started]));
    const events = db.live("notes", { timeoutMs: 10 })[Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    await db.disconnect();
    expect(await next).toEqual({ value: undefined, done: true });
  });

  test.each<[string, () => Promise<never>, string]>([
    ["never closes", hang, "QUERY_TIMEOUT"],
    ["fails to close", () => Promise.reject(new TypeError("secret")), "INTERNAL"],
    ["throws when it is closed", boom, "INTERNAL"],
  ])("%s keeps no consumer that stops, and says so", async (_name, close, code) => {
    const db = await over(mute([started], close));
    const consume = async (): Promise<void> => {
      for await (const event of db.live("notes", { timeoutMs: 10 })) {
        expect(event).toBe(started);
        break;
      }
    };
    expect(await failure(consume())).toMatchObject({ code, effect: "none" });
    await db.disconnect();
  });

  test("is closed once when the consumer stops, and an error of the consumer's own is its own", async () => {
    const close = vi.fn(async () => ({ value: undefined, done: true as const }));
    const db = await over(mute([started], close as never));
    const own = new Error("of the consumer");
    const consume = async (): Promise<void> => {
      for await (const _ of db.live("notes")) throw own;
    };
    expect(await rejection(consume())).toBe(own);
    expect(close).toHaveBeenCalledTimes(1);
    await db.disconnect();
  });
});
