import type { CallContext, Scope } from "@db/core";
import { describe, expect, test } from "vitest";
import { Busy } from "../src/busy.ts";
import { EngineSessions } from "../src/engine-sessions.ts";

/** A connection that opens sessions as a test says, and counts them. */
class FakeConnection {
  opened = 0;
  closed = 0;
  failing = false;

  async newSession(): Promise<object> {
    this.opened += 1;
    return {
      use: async () => {
        if (this.failing) throw new Error("no such place");
      },
      closeSession: async () => {
        this.closed += 1;
      },
    };
  }
}

const contextOf = (database: string, aborted = false): CallContext =>
  ({ scope: { namespace: "n", database } satisfies Scope, aborted, signal: AbortSignal.abort() }) as never;

function open() {
  const connection = new FakeConnection();
  const busy = new Busy();
  const sessions = new EngineSessions(() => connection as never, { namespace: "n", database: "own" }, busy);
  return { connection, sessions, busy };
}

describe("sessions of an engine", () => {
  test("are one for each place, and none for the service's own", async () => {
    const { connection, sessions } = open();
    await Promise.all(["a", "b", "a", "own", "a"].map((name) => sessions.run(contextOf(name), async () => {})));
    expect([connection.opened, sessions.size]).toEqual([2, 2]);
    expect(await sessions.run(contextOf("own"), async (session) => session)).toBe(connection);
  });

  test("that cannot be opened are tried again by the next call, and leave nothing open", async () => {
    const { connection, sessions } = open();
    connection.failing = true;
    const calls = [sessions.run(contextOf("a"), async () => {}), sessions.run(contextOf("a"), async () => {})];
    for (const end of await Promise.allSettled(calls)) expect(end.status).toBe("rejected");
    expect([connection.opened, connection.closed, sessions.size]).toEqual([1, 1, 0]);
    connection.failing = false;
    await sessions.run(contextOf("a"), async () => {});
    expect(sessions.size).toBe(1);
  });

  test("run nothing for a caller who has gone while they were opened", async () => {
    const { sessions } = open();
    const call = sessions.run(contextOf("a", true), async () => expect.unreachable());
    await expect(call).rejects.toMatchObject({ code: "CANCELLED", effect: "none" });
  });

  test("in use are not closed, however many there are; unused ones are, the longest unused first", async () => {
    const { connection, sessions, busy } = open();
    const held = await Promise.all(Array.from({ length: 100 }, (_, n) => sessions.hold(contextOf(`t${n}`))));
    expect([sessions.size, connection.closed]).toEqual([100, 0]);
    for (const { release } of held) release();
    await busy.idle();
    expect([sessions.size, connection.closed]).toEqual([64, 36]);
    await sessions.run(contextOf("t99"), async () => {});
    expect(connection.opened).toBe(100);
    await sessions.run(contextOf("t0"), async () => {});
    expect(connection.opened).toBe(101);
  });
});
