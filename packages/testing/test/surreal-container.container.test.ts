import { once } from "node:events";
import { createServer } from "node:net";
import { Surreal, Table } from "surrealdb";
import { getContainerRuntimeClient } from "testcontainers";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type SurrealContainer, startSurrealContainer } from "../src/containers.ts";
import { describeWithContainers } from "./support/with-containers.ts";

const place = { namespace: "test", database: "test" };
const root = { username: "root", password: "root" };

describeWithContainers("a SurrealDB container", () => {
  describe.each(["rocksdb", "surrealkv"] as const)("on %s", (engine) => {
    let server: SurrealContainer;
    beforeAll(async () => {
      server = await startSurrealContainer({ engine });
    });
    afterAll(() => server?.close());

    test("serves the official SDK, over WebSocket and HTTP, on the loopback interface alone", async () => {
      for (const url of [server.url, server.httpUrl]) {
        const sdk = await connect(url);
        const [rows] = await sdk.query<[{ n: number }[]]>("CREATE hello SET n = $n", { n: 1 });
        expect(rows[0]?.n).toBe(1);
        await sdk.close();
      }
      expect(server.url).toBe(`ws://127.0.0.1:${server.port}/rpc`);
      expect(server.pid).toBeGreaterThan(0);
    });

    test("killed with SIGKILL among writes and started again, it has every row that it acknowledged", async () => {
      const acknowledged: number[] = [];
      const sdk = await connect(server.url);
      const writing = writeUntilLost(sdk, acknowledged);
      while (acknowledged.length < 200) await once(progress, "row");
      await server.kill();
      await writing;
      expect(server.pid).toBeUndefined();
      await server.restart();
      const startedAt = performance.now();
      const again = await connect(server.url);
      expect(performance.now() - startedAt, "from the first sign of health until a client is back").toBeLessThan(2_000);
      const rows = await again.select<{ n: number }>(new Table("crash"));
      const stored = new Set(rows.map(({ n }) => n));
      expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
      await again.close();
    });

    test("paused it answers nothing, resumed it answers what it was asked", async () => {
      const sdk = await connect(server.url);
      await server.pause();
      let isAnswered = false;
      const answer = sdk.query<[number]>("RETURN 1").then(([one]) => {
        isAnswered = true;
        return one;
      });
      await expect(fetch(new URL("/health", server.httpUrl), { signal: AbortSignal.timeout(500) })).rejects.toThrow(
        "timeout",
      );
      expect(isAnswered).toBe(false);
      await server.resume();
      expect(await answer).toBe(1);
      await sdk.close();
    });
  });

  test("what is asked of a container's faults is refused with what to do instead", async () => {
    await using server = await startSurrealContainer();
    await expect(server.fault()).rejects.toThrow("put a fault proxy in front of its port");
    await expect(server.restart({ delayMs: 1 } as never)).rejects.toThrow("no control channel");
    expect(await (await fetch(new URL("/health", server.httpUrl))).text()).toBe("");
  });

  test("killed by a signal that it does not heed, it is gone after five seconds", async () => {
    await using server = await startSurrealContainer();
    const startedAt = performance.now();
    await server.kill("SIGUSR2");
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(server.pid).toBeUndefined();
    await expect(fetch(new URL("/health", server.httpUrl))).rejects.toThrow("fetch failed");
  });

  test("closed while it is paused, it is gone from the engine", async () => {
    const server = await startSurrealContainer();
    await server.pause();
    await server.close();
    await server.close();
    await expect(fetch(new URL("/health", server.httpUrl))).rejects.toThrow("fetch failed");
    await expect(startSurrealContainer({ port: server.port }).then((next) => next.close())).resolves.toBeUndefined();
  });

  describe("that does not start leaves no container:", () => {
    let before: readonly string[];
    beforeAll(async () => {
      before = await containers();
    });
    // The engine may still be at work on what its caller has given up.
    afterEach(() => vi.waitFor(async () => expect(await containers()).toEqual(before), { timeout: 20_000 }));

    test("a port in use is an error", async () => {
      const taken = createServer().listen(0, "127.0.0.1");
      await once(taken, "listening");
      const address = taken.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      await expect(startSurrealContainer({ port, startTimeoutMs: 5_000 })).rejects.toThrow(
        /address already in use|allocated/,
      );
      taken.close();
    });

    test("a start that is given up rejects with the reason at once", async () => {
      const abort = new AbortController();
      const starting = startSurrealContainer({ signal: abort.signal });
      abort.abort(new Error("enough"));
      await expect(starting).rejects.toThrow("enough");
    });

    test("an image whose server ends at once is an error at once, with its log", async () => {
      const startedAt = performance.now();
      await expect(startSurrealContainer({ user: "--help" })).rejects.toThrow("--user");
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    });
  });
});

async function containers(): Promise<readonly string[]> {
  const { container } = await getContainerRuntimeClient();
  return (await container.dockerode.listContainers({ all: true })).map(({ Id }) => Id).sort();
}

const progress = new EventTarget();

async function writeUntilLost(sdk: Surreal, acknowledged: number[]): Promise<void> {
  // The SDK's own promise may never settle once its socket is gone, so its end is the socket's.
  const lost = new Promise<"lost">((resolve) => sdk.subscribe("reconnecting", () => resolve("lost")));
  for (let n = 0; ; n += 1) {
    const created = sdk.query("CREATE crash SET n = $n", { n }).then(() => "created" as const);
    const outcome = await Promise.race([created, lost]).catch(() => "lost" as const);
    if (outcome === "lost") break;
    acknowledged.push(n);
    progress.dispatchEvent(new Event("row"));
  }
  await sdk.close().catch(() => {});
}

async function connect(url: string): Promise<Surreal> {
  const sdk = new Surreal();
  await sdk.connect(url, { ...place, authentication: root });
  return sdk;
}
