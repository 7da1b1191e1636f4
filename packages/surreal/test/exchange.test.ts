import { type CallContext, type Effect, runCall } from "@db/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ServerSession } from "../src/connection.ts";
import { Exchange } from "../src/exchange.ts";
import { type RpcRequest, serverError } from "../src/rpc.ts";
import { FakeConnection } from "./support/fake-connection.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const expired = (): Error =>
  serverError({
    code: -32000,
    kind: "NotAllowed",
    message: "The session has expired",
    details: { kind: "Auth", details: { kind: "SessionExpired" } },
  });

interface Played {
  readonly connection: FakeConnection;
  readonly over: boolean[];
  readonly end: Promise<unknown>;
  readonly leave: () => void;
}

/** One exchange. `end` is its result or its error. */
function play(effect: Effect, request: RpcRequest = { method: "query", params: [] }): Played {
  const connection = new FakeConnection();
  const over: boolean[] = [];
  const caller = new AbortController();
  const begin = (context: CallContext): Promise<unknown> =>
    new Exchange({
      connection,
      session: connection.session(),
      request,
      context,
      asked: { effect },
      abandonAfterMs: 1_000,
      over: (isDone) => over.push(isDone),
    }).promise;
  const end = runCall({ timeoutMs: 60_000, signal: caller.signal, operationId: "op" }, begin).catch(
    (error: unknown) => error,
  );
  return { connection, over, end, leave: () => caller.abort() };
}

describe("an exchange", () => {
  test("ends with its answer", async () => {
    const { connection, over, end } = play("unknown");
    connection.last().answered("yes");
    expect(await end).toBe("yes");
    expect([over, connection.inFlight]).toEqual([[true], 0]);
  });

  test.each([
    ["none", undefined, { code: "CONNECTION_FAILED", effect: "none", retryable: true }],
    ["unknown", undefined, { code: "OUTCOME_UNKNOWN", effect: "unknown", facts: { operationId: "op" } }],
    ["unknown", "txn", { code: "CONNECTION_FAILED", effect: "none" }],
  ] as const)("of effect %s (%s) that is lost says what became of the data", async (effect, txn, expected) => {
    const { connection, over, end } = play(effect, { method: "query", params: [], txn: txn as never });
    connection.last().lost(new Error("gone"));
    expect(await end).toMatchObject(expected);
    expect([over, connection.inFlight]).toEqual([[true], 0]);
  });

  test("whose caller leaves is over when the server is done with it", async () => {
    const { connection, over, end, leave } = play("unknown");
    leave();
    expect(await end).toMatchObject({ code: "CANCELLED", effect: "unknown" });
    expect([over, connection.inFlight, connection.suspected]).toEqual([[], 1, 1]);
    connection.last().answered("late");
    expect([over, connection.inFlight]).toEqual([[true], 0]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([over, connection.retired]).toEqual([[true], 0]);
  });

  test("whose caller leaves is given up with its connection if the server is never done", async () => {
    const { connection, over, leave } = play("none");
    leave();
    await vi.advanceTimersByTimeAsync(1_001);
    expect([over, connection.inFlight, connection.retired]).toEqual([[false], 0, 1]);
    connection.last().answered("much too late");
    connection.last().lost(new Error("gone"));
    expect([over, connection.inFlight]).toEqual([[false], 0]);
  });

  test("that is refused for its session is sent once more in another", async () => {
    const { connection, over, end } = play("unknown");
    connection.last().refused(expired());
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.sent.map(({ session }) => session === connection.next)).toEqual([false, true]);
    connection.last().answered("yes");
    expect(await end).toBe("yes");
    expect([over, connection.inFlight]).toEqual([[true], 0]);
  });

  test("that is refused for its session twice says so", async () => {
    const { connection, over, end } = play("unknown");
    connection.last().refused(expired());
    await vi.advanceTimersByTimeAsync(0);
    connection.last().refused(expired());
    expect(await end).toMatchObject({ code: "AUTHENTICATION_FAILED", effect: "none" });
    expect([over, connection.inFlight, connection.sent.length]).toEqual([[true], 0, 2]);
  });

  test("for which there is no other session says why", async () => {
    const { connection, over, end } = play("unknown");
    connection.replacing = Promise.reject(
      serverError({ code: -32002, kind: "NotAllowed", message: "There was a problem with authentication" }),
    );
    connection.last().refused(expired());
    expect(await end).toMatchObject({ code: "AUTHENTICATION_FAILED", effect: "none" });
    expect([over, connection.inFlight]).toEqual([[true], 0]);
  });

  test("for which no session can be had just now is CONNECTION_FAILED, as one that found none at first", async () => {
    const { connection, over, end } = play("unknown");
    connection.replacing = Promise.reject(new Error("the vault is away"));
    connection.last().refused(expired());
    expect(await end).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", retryable: true });
    expect([over, connection.inFlight]).toEqual([[true], 0]);
  });

  test("whose caller leaves between two sessions is not sent again, and had no effect", async () => {
    const { connection, over, end, leave } = play("unknown");
    const { promise, resolve } = Promise.withResolvers<ServerSession>();
    connection.replacing = promise;
    connection.last().refused(expired());
    leave();
    expect(await end).toMatchObject({ code: "CANCELLED", effect: "none" });
    resolve(connection.next);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([over, connection.inFlight, connection.sent.length, connection.retired]).toEqual([[true], 0, 1, 0]);
  });

  test("whose caller has left is not sent again when it is refused for its session", async () => {
    const { connection, over, end, leave } = play("unknown");
    leave();
    expect(await end).toMatchObject({ code: "CANCELLED", effect: "unknown" });
    connection.last().refused(expired());
    await vi.advanceTimersByTimeAsync(5_000);
    expect([over, connection.inFlight, connection.sent.length, connection.retired]).toEqual([[true], 0, 1, 0]);
  });
});
