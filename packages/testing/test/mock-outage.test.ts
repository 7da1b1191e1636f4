import { getEventListeners } from "node:events";
import {
  createDatabase,
  type DatabaseError,
  DatabaseErrorOf,
  type DatabaseService,
  type Layer,
  runCall,
} from "@db/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { MockDatabase } from "../src/index.ts";

const failing: Layer = (next) => (operation, context) => next(operation, context.with({ whenAway: "fail" }));

async function connected(layers: readonly Layer[] = []): Promise<{ mock: MockDatabase; db: DatabaseService }> {
  const mock = new MockDatabase();
  const db = createDatabase({ driver: mock, layers });
  await db.connect();
  onTestFinished(() => db.disconnect({ drainMs: 1 }));
  return { mock, db };
}

const failureOf = (promise: Promise<unknown>): Promise<DatabaseError> =>
  promise.then(
    () => expect.fail("expected a rejection"),
    (error: DatabaseError) => error,
  );

describe("goAway and comeBack", () => {
  test("a call waits for the database to come back", async () => {
    const { mock, db } = await connected();
    mock.goAway();
    expect(db.state.name).toBe("failed");
    const writing = db.create("notes", { n: 1 }, { id: "notes:a" });
    mock.comeBack();
    await writing;
    expect(db.state.name).toBe("connected");
    expect(await db.read("notes:a")).toEqual({ id: "notes:a", n: 1 });
  });

  test("a call that waits ends with its signal, without effect and without a listener left", async () => {
    const { mock, db } = await connected();
    mock.goAway();
    const { signal } = new AbortController();
    const error = await failureOf(db.create("notes", {}, { timeoutMs: 20, signal }));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    expect(getEventListeners(signal, "abort")).toEqual([]);
    mock.comeBack();
    expect(await db.count("notes")).toBe(0);
  });

  test("a call that does not wait fails at once with the reason", async () => {
    const { mock, db } = await connected([failing]);
    const error = new DatabaseErrorOf("AUTHENTICATION_FAILED", "the token was revoked", {});
    mock.goAway({ error });
    expect(await failureOf(db.count("notes"))).toMatchObject({
      code: "CONNECTION_FAILED",
      effect: "none",
      cause: error,
    });
  });

  test("the driver itself fails such a call as well", async () => {
    const { mock } = await connected();
    mock.goAway();
    const read = mock.statements.read;
    const call = runCall({ timeoutMs: 1_000, whenAway: "fail" }, (context) =>
      read({ kind: "read", collection: "notes", id: "notes:a" }, context),
    );
    expect(await failureOf(call)).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  });

  test("past its limit every call is SERVICE_UNAVAILABLE and health is unhealthy", async () => {
    const { mock, db } = await connected();
    mock.goAway({ unavailableAfterMs: 0, retryAfterMs: 400 });
    const error = await failureOf(db.count("notes"));
    expect(error.code).toBe("SERVICE_UNAVAILABLE");
    if (error.code === "SERVICE_UNAVAILABLE") expect(error.facts.retryAfterMs).toBeLessThanOrEqual(400);
    expect((await db.healthCheck()).status).toBe("unhealthy");
    mock.comeBack();
    expect((await db.healthCheck()).status).toBe("healthy");
  });

  test("an option that it does not know is refused", () => {
    expect(() => new MockDatabase().goAway({ retryAfter: 5 } as never)).toThrow('goAway: unknown option "retryAfter"');
  });

  test("within its limit health is degraded", async () => {
    const { mock, db } = await connected();
    mock.goAway();
    expect(await db.healthCheck()).toMatchObject({ status: "degraded" });
  });

  test("a call that waits for its answer fails with the connection, a write with unknown effect", async () => {
    const { mock, db } = await connected();
    mock.hang({ kind: ["create", "read"], times: 2 });
    const write = failureOf(db.create("notes", {}));
    const read = failureOf(db.read("notes:a"));
    await expect.poll(() => mock.calls.filter(({ outcome }) => outcome === "running").length).toBe(2);
    mock.goAway();
    expect(await write).toMatchObject({ code: "CONNECTION_FAILED", effect: "unknown" });
    expect(await read).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
  });

  test("an open transaction is lost, without effect", async () => {
    const { mock, db } = await connected();
    const error = await failureOf(
      db.transaction(async (tx) => {
        await tx.create("notes", {});
        mock.goAway();
        mock.comeBack();
        await tx.create("notes", {});
      }),
    );
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
    expect(await db.count("notes")).toBe(0);
  });

  test("a transaction that loses its connection before the commit stores nothing", async () => {
    const { mock, db } = await connected();
    const work = db.transaction(async (tx) => {
      await tx.create("notes", {});
      mock.goAway();
      mock.comeBack();
    });
    expect(await failureOf(work)).toMatchObject({ code: "CONNECTION_FAILED" });
    expect(await db.count("notes")).toBe(0);
  });

  test("before connect it makes connect wait", async () => {
    const mock = new MockDatabase();
    await using db = createDatabase({ driver: mock });
    mock.goAway();
    const connecting = db.connect();
    await expect.poll(() => db.state.name).toBe("connecting");
    expect(await db.healthCheck()).toEqual({ status: "starting" });
    expect(await failureOf(db.count("notes"))).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    mock.comeBack();
    await connecting;
    expect(await db.count("notes")).toBe(0);
  });

  test("disconnect ends the calls that wait", async () => {
    const { mock, db } = await connected();
    mock.goAway();
    const waiting = failureOf(db.count("notes"));
    await db.disconnect({ drainMs: 20 });
    expect((await waiting).code).toBe("CLOSED");
  });

  test("every change of state is told once", async () => {
    const { mock, db } = await connected();
    const states: string[] = [];
    mock.onStateChange(({ name }) => states.push(name));
    mock.goAway();
    mock.comeBack();
    mock.comeBack();
    await db.disconnect();
    expect(states).toEqual(["failed", "connected", "closed"]);
  });
});
