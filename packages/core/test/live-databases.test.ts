import { describe, expect, test } from "vitest";
import { ConnectionStatus, createDatabase, defineDriver, type LiveDatabase, liveDatabases } from "../src/index.ts";
import { connected, service } from "./support/service.ts";

const find = (name: string): LiveDatabase | undefined => liveDatabases().find((live) => live.name === name);

describe("the registry of services", () => {
  test("shows one to whoever looks later, with its state, until it is closed", async () => {
    const target = { system: "fakedb", namespace: "shop|main" };
    const db = service({ name: "found later", target });
    expect(find("found later")).toMatchObject({ kind: "database", target, state: { name: "disconnected" } });
    await db.connect();
    expect(find("found later")?.state).toBe(db.state);
    await db.disconnect();
    expect(find("found later")).toBeUndefined();
  });

  test("is not disturbed by components of other kinds, nor by what was collected", async () => {
    const db = await connected({});
    const registry = (globalThis as { [key: symbol]: Set<object> | undefined })[Symbol.for("@db/components")];
    const others = [{ deref: () => ({ kind: "pool" }) }, { deref: () => undefined }];
    for (const other of others) registry?.add(other);
    const before = liveDatabases().length;
    const second = service({});
    expect(liveDatabases()).toHaveLength(before + 1);
    expect(others.map((other) => registry?.has(other))).toEqual([true, false]);
    for (const other of others) registry?.delete(other);
    await Promise.all([db.disconnect(), second.disconnect()]);
  });
});

describe("the version of the server", () => {
  test("is asked for when somebody looks, once in a connection, and again after a failure", async () => {
    const answers = ["fail", "3.0.2"];
    let asked = 0;
    const db = await connected({
      name: "versioned",
      version: async () => {
        asked += 1;
        const answer = answers.shift() ?? "";
        if (answer === "fail") throw new Error("away");
        return answer;
      },
    });
    const live = find("versioned");
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(0);
    expect(live?.serverVersion).toBeUndefined();
    await settled();
    expect(live?.serverVersion).toBeUndefined();
    await settled();
    expect([live?.serverVersion, live?.serverVersion, asked]).toEqual(["3.0.2", "3.0.2", 2]);
    await db.disconnect();
    expect(live?.serverVersion).toBe("3.0.2");
    expect(asked).toBe(2);
  });

  test("is that of the server it is connected to, whenever the one before it answers", async () => {
    const answers: PromiseWithResolvers<string>[] = [];
    const status = new ConnectionStatus();
    const driver = {
      ...defineDriver({ name: "moved", statements: {} }),
      state: status.state,
      version: () => {
        const answer = Promise.withResolvers<string>();
        answers.push(answer);
        return answer.promise;
      },
    };
    const at = (since: number): void => {
      status.set({ name: "connected", since });
      driver.state = status.state;
    };
    const db = createDatabase({ driver });
    const live = find("moved");
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    at(1);
    expect(live?.serverVersion).toBeUndefined();
    at(2);
    expect(live?.serverVersion).toBeUndefined();
    answers[1]?.resolve("new");
    await settled();
    expect(live?.serverVersion).toBe("new");
    answers[0]?.resolve("old");
    await settled();
    expect(live?.serverVersion).toBe("new");
    at(3);
    expect(live?.serverVersion).toBeUndefined();
    answers[2]?.resolve("newest");
    await settled();
    expect(answers).toHaveLength(3);
    await db.disconnect();
  });

  test("is not asked of a service that is not connected", async () => {
    let asked = 0;
    const db = service({ name: "unconnected", version: async () => String(++asked) });
    expect(find("unconnected")?.serverVersion).toBeUndefined();
    expect(asked).toBe(0);
    await db.disconnect();
  });
});
