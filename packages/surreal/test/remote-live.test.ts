import { setImmediate as turn } from "node:timers/promises";
import { type DatabaseError, runCall } from "@db/core";
import type { Lease } from "@db/pool";
import { Uuid } from "surrealdb";
import { beforeEach, expect, test } from "vitest";
import type { Channel } from "../src/connections.ts";
import type { LiveListener } from "../src/live.ts";
import { RemoteLive } from "../src/remote-live.ts";
import { RemoteSession } from "../src/remote-session.ts";
import { FakeConnection } from "./support/fake-connection.ts";

/** The last is the one that is lent. */
let connections: FakeConnection[];
let told: string[];
let live: RemoteLive;

const lent = (connection: FakeConnection): Lease<Channel> =>
  ({ value: { connection }, release: () => {}, destroy: () => {} }) as unknown as Lease<Channel>;
const listener: LiveListener = {
  change: () => told.push("change"),
  gap: () => told.push("gap"),
  end: (error?: DatabaseError) => told.push(`end ${error?.code}`),
};

beforeEach(() => {
  connections = [];
  told = [];
  dial();
  const session = new RemoteSession({
    home: { namespace: "n", database: "d" },
    abandonAfterMs: 1_000,
    lend: () => lent(last()),
  });
  live = new RemoteLive({
    session,
    timeoutMs: 5_000,
    abandonAfterMs: 1_000,
    ready: () => Promise.resolve(true),
    released: () => {},
  });
});

function last(): FakeConnection {
  const connection = connections.at(-1);
  if (connection === undefined) throw new Error("expected a connection");
  return connection;
}

function dial(): void {
  connections.push(new FakeConnection());
}

async function asked(): Promise<FakeConnection> {
  const connection = last();
  await expect.poll(() => connection.sent.length).toBe(1);
  return connection;
}

const stands = (connection: FakeConnection, id = Uuid.v7()): void =>
  connection.last().answered([{ status: "OK", result: id }]);

function watch(signal = new AbortController().signal): Promise<() => Promise<void>> {
  return runCall({ timeoutMs: 5_000, signal }, (context) =>
    live.watch({ text: "LIVE", values: {} }, context, listener),
  );
}

/** Nothing of it is left: no watcher, no use of a session. Answers what the server is told. */
async function isLeft(connection: FakeConnection): Promise<void> {
  await expect.poll(() => connection.watches.size).toBe(0);
  for (const { request, receiver } of connection.sent) if (request.method === "kill") receiver.answered(null);
  await turn();
  expect(connection.inFlight).toBe(0);
  for (const { session } of connection.sent) expect(session.users).toBe(0);
}

test("one whose connection is lost in the turn in which it begins is begun anew", async () => {
  const started = watch();
  stands(await asked());
  const stop = await started;
  const [first] = connections;
  dial();
  first?.watches.end(new Error("gone"));
  const second = await asked();
  dial();
  stands(second);
  second.watches.end(new Error("gone as well"));
  const third = await asked();
  stands(third);
  await expect.poll(() => told).toEqual(["gap"]);
  const stopped = stop();
  await isLeft(third);
  await stopped;
});

const steps = Array.from({ length: 24 }, (_, step) => step);

test.each(steps)("one that is ended %i steps after it was answered leaves nothing", async (step) => {
  const caller = new AbortController();
  const started = watch(caller.signal).catch(() => undefined);
  const connection = await asked();
  stands(connection);
  for (let n = 0; n < step; n += 1) await Promise.resolve();
  caller.abort();
  const stopped = (await started)?.();
  await isLeft(connection);
  await stopped;
});

test.each(steps)("one that is ended %i steps after it was begun anew leaves nothing", async (step) => {
  const started = watch();
  stands(await asked());
  const stop = await started;
  const [first] = connections;
  dial();
  first?.watches.end(new Error("gone"));
  const second = await asked();
  stands(second);
  for (let n = 0; n < step; n += 1) await Promise.resolve();
  const stopped = stop();
  await turn();
  await isLeft(second);
  await stopped;
});

test("one that the server kills before it answers leaves nothing", async () => {
  const started = watch();
  const connection = await asked();
  const id = Uuid.v7();
  connection.watches.push({ id, action: "KILLED", record: undefined, result: undefined });
  stands(connection, id);
  const stop = await started;
  expect(told).toEqual(["end undefined"]);
  await stop();
  await isLeft(connection);
});
