import { type DatabaseError, DatabaseErrorOf, runCall, unsupported } from "@db/core";
import { expect, test } from "vitest";
import { type Replica, Replicas } from "../src/replicas.ts";
import { FakeSession } from "./support/fake-session.ts";

function replica(answer: () => unknown): Replica {
  return { server: { state: { name: "connected" } } as Replica["server"], session: new FakeSession(answer) };
}

test.each([
  ["is lost with it", new DatabaseErrorOf("CONNECTION_FAILED", "gone", {}), "primary"],
  ["an older version of it cannot do", unsupported("a scope on this server"), "primary"],
  ["it refuses for itself", new DatabaseErrorOf("INVALID_QUERY", "no", { expected: "another" }), "INVALID_QUERY"],
] as const)("of a replica: a read that %s", async (_, error: DatabaseError, expected) => {
  const failing = replica(() => Promise.reject(error));
  const replicas = new Replicas([failing], new FakeSession(() => "primary"));
  const read = runCall({ timeoutMs: 1_000 }, (context) =>
    replicas.ask({ text: "RETURN 1", values: {} }, context, { effect: "none" }),
  );
  expect(await read.catch((thrown: DatabaseError) => thrown.code)).toBe(expected);
});
