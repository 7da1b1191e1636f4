import { Uuid } from "surrealdb";
import { beforeEach, expect, test } from "vitest";
import { Connections } from "../src/connections.ts";
import { FakeConnection } from "./support/fake-connection.ts";

const context = { signal: new AbortController().signal, lost: () => {} };
let made: FakeConnection;
let end: () => void;
let connections: Connections;

beforeEach(() => {
  connections = new Connections({
    open: async (_, onEnd) => {
      made = new FakeConnection();
      const connection = made;
      end = () => {
        connection.usable = false;
        onEnd(new Error("gone"));
      };
      return connection;
    },
    perConnection: 4,
    connectTimeoutMs: 1_000,
    maxAgeMs: 60_000,
    server: "a server",
  });
});

async function watchOn({ watches }: FakeConnection): Promise<void> {
  const nobody = { change: () => {}, killed: () => {}, lost: () => {} };
  await watches.start(async () => Uuid.v7(), nobody);
}

test("a connection that is over is held until its last channel is back, whatever was live on it", async () => {
  const channels = [await connections.take(context), await connections.take(context)];
  await watchOn(made);
  const over = made;
  end();
  await connections.take(context);
  expect(made).not.toBe(over);
  for (const channel of channels) await connections.giveBack(channel);
  connections.close(new Error("closed"));
  expect([over.terminated, made.terminated]).toEqual([0, 1]);
});

test("a connection that is over without a channel is forgotten at once", async () => {
  const channel = await connections.take(context);
  await watchOn(made);
  await connections.giveBack(channel);
  end();
  connections.close(new Error("closed"));
  expect(made.terminated).toBe(0);
});
