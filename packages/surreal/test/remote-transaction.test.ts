import { runCall } from "@db/core";
import type { Lease } from "@db/pool";
import { Uuid } from "surrealdb";
import { beforeEach, expect, test } from "vitest";
import type { Channel } from "../src/connections.ts";
import { RemoteSession } from "../src/remote-session.ts";
import { RemoteTransaction } from "../src/remote-transaction.ts";
import { type RpcReceiver, serverError } from "../src/rpc.ts";
import { FakeConnection } from "./support/fake-connection.ts";

let connection: FakeConnection;
let returned: string[];

beforeEach(() => {
  connection = new FakeConnection();
  returned = [];
});

function begin(signal = new AbortController().signal): Promise<RemoteTransaction> {
  const lease = {
    value: { connection },
    release: () => returned.push("released"),
    destroy: () => returned.push("destroyed"),
  } as unknown as Lease<Channel>;
  const home = { namespace: "n", database: "d" };
  const session = new RemoteSession({ home, abandonAfterMs: 1_000, lend: () => lease });
  return runCall({ timeoutMs: 5_000, signal }, (context) => RemoteTransaction.begin(session, 1_000, context));
}

test.each([[null], [undefined], ["yes"], [{}]])(
  "a transaction whose id the server does not tell (%j) does not begin: its statements would stand alone",
  async (odd) => {
    const begun = begin();
    await expect.poll(() => connection.sent.length).toBe(1);
    connection.last().answered(odd);
    await expect(begun).rejects.toMatchObject({
      code: "TRANSACTION_FAILED",
      facts: { phase: "begin" },
      effect: "none",
    });
    await expect.poll(() => returned.length).toBe(1);
    // What was begun, if anything, ends with its connection.
    expect([connection.sent.length, connection.inFlight, connection.retired]).toEqual([1, 0, 1]);
  },
);

test.each([
  ["is cancelled", (receiver: RpcReceiver) => receiver.answered(null), 0],
  ["is not known to the server", (receiver: RpcReceiver) => receiver.refused(unknownTransaction()), 0],
  ["and cannot be cancelled ends with its connection", (receiver: RpcReceiver) => receiver.refused(new Error("no")), 1],
] as const)("a transaction that nobody waits for any more %s", async (_, act, retired) => {
  const caller = new AbortController();
  const begun = begin(caller.signal);
  await expect.poll(() => connection.sent.length).toBe(1);
  caller.abort();
  await expect(begun).rejects.toMatchObject({ code: "CANCELLED", effect: "none" });
  connection.last().answered(Uuid.v7());
  await expect.poll(() => connection.sent.length).toBe(2);
  expect([connection.sent[1]?.request.method, returned]).toEqual(["cancel", []]);
  act(connection.last());
  await expect.poll(() => returned.length).toBe(1);
  expect([connection.inFlight, connection.retired]).toEqual([0, retired]);
});

function unknownTransaction(): Error {
  return serverError({ code: -32000, kind: "Validation", message: "Transaction not found" });
}
