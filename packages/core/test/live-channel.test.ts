import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { DatabaseErrorOf, type LiveChange, LiveChannel, type LiveEvent } from "../src/index.ts";
import { rejection } from "./support/service.ts";

const change = (n: number): LiveChange => ({ action: "update", id: "notes:1", row: { id: "notes:1", n } });
const resync = (reason: "started" | "lost" | "overflow"): LiveEvent => ({ action: "resync", reason });

function open(bufferSize = 3) {
  const controller = new AbortController();
  const channel = new LiveChannel(bufferSize, controller.signal);
  const events = channel[Symbol.asyncIterator]();
  const take = async (count: number): Promise<readonly LiveEvent[]> => {
    const taken: LiveEvent[] = [];
    for (let n = 0; n < count; n += 1) taken.push((await events.next()).value as LiveEvent);
    return taken;
  };
  return { controller, channel, events, take };
}

describe("a live channel", () => {
  test("gives what is put in, in order, also to a consumer that waits", async () => {
    const { channel, events, take } = open();
    channel.gap("started");
    channel.change(change(1));
    expect(await take(2)).toEqual([resync("started"), change(1)]);
    const next = events.next();
    channel.change(change(2));
    expect((await next).value).toEqual(change(2));
  });

  test("that runs over holds one resync and what came after it", async () => {
    const { channel, take } = open(3);
    for (let n = 1; n <= 6; n += 1) channel.change(change(n));
    expect(await take(3)).toEqual([resync("overflow"), change(5), change(6)]);
    for (let n = 1; n <= 11; n += 1) channel.change(change(n));
    expect((await take(1))[0]).toEqual(resync("overflow"));
  });

  test("forgets at a gap what came before it, and keeps the first reason of several", async () => {
    const { channel, take } = open();
    channel.change(change(1));
    channel.gap("lost");
    channel.change(change(2));
    channel.gap("overflow");
    channel.change(change(3));
    expect(await take(2)).toEqual([resync("lost"), change(3)]);
  });

  test("is done at its end, after what it holds, and takes no more", async () => {
    const { channel, events, take } = open();
    channel.change(change(1));
    channel.end();
    channel.change(change(2));
    channel.end(new DatabaseErrorOf("INTERNAL", "late", {}));
    expect(await take(1)).toEqual([change(1)]);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("throws what it was ended with, once", async () => {
    const { channel, events } = open();
    const error = new DatabaseErrorOf("UNSUPPORTED", "no", { feature: "x" });
    const waiting = events.next();
    channel.end(error);
    expect(await rejection(waiting)).toBe(error);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test("is done when its signal fires, though it holds changes, and leaves no listener", async () => {
    const { controller, channel, events } = open();
    const waiting = events.next();
    channel.change(change(1));
    expect((await waiting).value).toEqual(change(1));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    channel.change(change(2));
    controller.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
  });

  test("of a consumer that has left holds nothing more", async () => {
    const { channel, events } = open();
    channel.change(change(1));
    await events.next();
    await events.return(undefined);
    for (let n = 0; n < 100; n += 1) channel.change(change(n));
    channel.gap("lost");
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});
