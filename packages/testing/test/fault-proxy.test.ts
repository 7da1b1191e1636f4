import { once } from "node:events";
import { createServer } from "node:net";
import { FaultProxy } from "@db/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Client, dial, EchoServer, eventually } from "./support/wire.ts";

let server: EchoServer;
let proxy: FaultProxy;

beforeEach(async () => {
  server = await EchoServer.start();
  proxy = await FaultProxy.start({ target: server });
});

afterEach(async () => {
  await proxy.close();
  await server[Symbol.asyncDispose]();
});

/** Enough for whatever would come to have come: a round trip through another connection, twice. */
async function settled(): Promise<void> {
  await using other = await EchoServer.start();
  await using beside = await FaultProxy.start({ target: other });
  for (let round = 0; round < 2; round += 1) {
    using client = await Client.dial(beside.port);
    client.send("!");
    await client.until(1);
  }
}

describe("up", () => {
  test("passes bytes and both ends on, and counts them", async () => {
    using client = await Client.dial(proxy.port);
    client.send("hello");
    expect(await client.until(5)).toBe("hello");
    expect(proxy.stats()).toEqual({
      dials: 1,
      open: 1,
      targetFailures: 0,
      bytes: { requests: 5, answers: 5 },
    });
    client.socket.end();
    expect(await client.ended()).toBe("end");
    expect(server.ends).toEqual(["end"]);
    await eventually(() => proxy.stats().open === 0);
  });

  test("lets the target go on answering a client that has said all", async () => {
    using client = await Client.dial(proxy.port);
    client.socket.end("x".repeat(100_000));
    await client.ended();
    expect(client.bytes.length).toBe(100_000);
  });

  test("passes a reset on, either way", async () => {
    using one = await Client.dial(proxy.port);
    await eventually(() => server.sockets.length === 1);
    server.sockets[0]?.resetAndDestroy();
    expect(await one.ended()).toBe("ECONNRESET");
    using other = await Client.dial(proxy.port);
    await eventually(() => server.sockets.length === 2);
    other.socket.resetAndDestroy();
    await eventually(() => server.ends.includes("reset"));
  });

  test("resets who dials a target that is away", async () => {
    const away = await FaultProxy.start({ target: { host: "127.0.0.1", port: await unusedPort() } });
    using client = await Client.dial(away.port);
    expect(await client.ended()).toBe("ECONNRESET");
    expect(away.stats()).toMatchObject({ dials: 1, targetFailures: 1 });
    await away.close();
  });
});

describe("slow", () => {
  test("delays each way by the latency, whatever the size", async () => {
    await proxy.set({ kind: "slow", latencyMs: 40 });
    using client = await Client.dial(proxy.port);
    const start = performance.now();
    client.send("x".repeat(100_000));
    await client.until(100_000);
    const tookMs = performance.now() - start;
    expect(tookMs).toBeGreaterThanOrEqual(79);
    expect(tookMs).toBeLessThan(1_000);
  });

  test("delays one direction alone when asked to", async () => {
    await proxy.set({ kind: "slow", latencyMs: 60_000, direction: "answers" });
    using client = await Client.dial(proxy.port);
    client.send("hello");
    await eventually(() => server.text === "hello");
    await settled();
    expect(client.text).toBe("");
    await proxy.set("up");
    expect(await client.until(5)).toBe("hello");
  });

  test("keeps the order under jitter", async () => {
    await proxy.set({ kind: "slow", latencyMs: 4, jitterMs: 4 });
    using client = await Client.dial(proxy.port);
    client.socket.setNoDelay(true);
    let sent = "";
    for (let n = 0; n < 200; n += 1) {
      client.send(`${n},`);
      sent += `${n},`;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.until(sent.length)).toBe(sent);
  });

  test("limits the bandwidth, in small portions", async () => {
    await proxy.set({ kind: "slow", bytesPerSecond: 100_000, direction: "requests" });
    using client = await Client.dial(proxy.port);
    const start = performance.now();
    client.send("x".repeat(30_000));
    await client.until(5_000);
    expect(client.bytes.length).toBeLessThan(30_000);
    await client.until(30_000);
    expect(performance.now() - start).toBeGreaterThanOrEqual(240);
  });

  test("holds the sender back instead of keeping all it sends", async () => {
    await proxy.set({ kind: "slow", latencyMs: 60_000 });
    using client = await Client.dial(proxy.port);
    const chunk = Buffer.alloc(64 * 1024);
    while (client.socket.bytesWritten - client.socket.writableLength < 64_000_000 && client.socket.write(chunk));
    await eventually(() => client.socket.writableNeedDrain);
    const before = process.memoryUsage().arrayBuffers;
    // One process holds both ends here, so the kernel's buffers and the proxy's are all that may fill.
    for (let n = 0; n < 100; n += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(client.socket.writableNeedDrain).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    expect(proxy.stats().bytes.requests).toBe(0);
  });
});

describe("black hole", () => {
  test("accepts and forwards nothing, not even the dial", async () => {
    await proxy.set("black-hole");
    using client = await Client.dial(proxy.port);
    client.send("hello");
    await settled();
    expect(client.text + server.text).toBe("");
    expect(proxy.stats()).toMatchObject({ dials: 1, open: 1, bytes: { requests: 0, answers: 0 } });
  });

  test("holds what is open too, and passes it on once lifted", async () => {
    using client = await Client.dial(proxy.port);
    client.send("one ");
    await client.until(4);
    await proxy.set("black-hole");
    client.send("two ");
    await settled();
    expect(server.text).toBe("one ");
    await proxy.set("up");
    expect(await client.until(8)).toBe("one two ");
  });

  test("of answers lets requests through, and the dial of new connections", async () => {
    using before = await Client.dial(proxy.port);
    await proxy.set({ kind: "black-hole", direction: "answers" });
    using after = await Client.dial(proxy.port);
    before.send("before ");
    after.send("after ");
    await eventually(() => server.text.includes("before ") && server.text.includes("after "));
    await settled();
    expect(before.text + after.text).toBe("");
  });

  test("of requests lets answers through", async () => {
    using client = await Client.dial(proxy.port);
    await eventually(() => server.sockets.length === 1);
    await proxy.set({ kind: "black-hole", direction: "requests" });
    client.send("hello");
    server.sockets[0]?.write("news");
    expect(await client.until(4)).toBe("news");
    await settled();
    expect(server.text).toBe("");
  });

  test("keeps the end of a connection from the other side", async () => {
    using one = await Client.dial(proxy.port);
    using other = await Client.dial(proxy.port);
    await eventually(() => server.sockets.length === 2);
    await proxy.set("black-hole");
    one.socket.resetAndDestroy();
    other.socket.end();
    await settled();
    expect(server.ends).toEqual([]);
    await proxy.set("up");
    await eventually(() => server.ends.length === 2);
    expect(server.ends.sort()).toEqual(["end", "reset"]);
    await eventually(() => proxy.stats().open === 0);
  });
});

describe("reset", () => {
  test("ends what is open and what comes", async () => {
    using open = await Client.dial(proxy.port);
    open.send("hello");
    await open.until(5);
    await proxy.set("reset");
    expect(await open.ended()).toBe("ECONNRESET");
    await eventually(() => server.ends.length === 1);
    expect(server.ends).toEqual(["reset"]);
    using next = await Client.dial(proxy.port).catch(() => undefined as never);
    if (next !== undefined) expect(await next.ended()).toBe("ECONNRESET");
    expect(server.sockets.length).toBe(1);
  });

  test("on existing connections alone cuts once", async () => {
    using open = await Client.dial(proxy.port);
    await proxy.set("reset", { on: "existing" });
    expect(await open.ended()).toBe("ECONNRESET");
    using next = await Client.dial(proxy.port);
    next.send("hello");
    expect(await next.until(5)).toBe("hello");
    expect(proxy.fault).toEqual({ kind: "up" });
  });
});

describe("refuse", () => {
  test("closes the port, ends what is open, and comes back on the same port", async () => {
    using open = await Client.dial(proxy.port);
    await proxy.set("refuse");
    expect(await open.ended()).toBe("ECONNRESET");
    expect(await dial(proxy.port)).toBe("ECONNREFUSED");
    await proxy.set("up");
    expect(await dial(proxy.port)).toBe("connected");
  });

  test("of new connections alone leaves what is open", async () => {
    using open = await Client.dial(proxy.port);
    await proxy.set("refuse", { on: "new" });
    expect(await dial(proxy.port)).toBe("ECONNREFUSED");
    open.send("hello");
    expect(await open.until(5)).toBe("hello");
    await expect(proxy.set("refuse", { on: "existing" })).rejects.toThrow(/expected on to be "all" or "new"/);
  });

  test("can be there from the start", async () => {
    await using closed = await FaultProxy.start({ target: server, fault: "refuse" });
    expect(await dial(closed.port)).toBe("ECONNREFUSED");
    await closed.set("up");
    expect(await dial(closed.port)).toBe("connected");
  });

  test("says so if the port was taken meanwhile, and can be lifted later", async () => {
    await proxy.set("refuse");
    const thief = createServer().listen(proxy.port, "127.0.0.1");
    await once(thief, "listening");
    await expect(proxy.set("up")).rejects.toThrow(/cannot listen on .*another process/);
    thief.close();
    await once(thief, "close");
    await proxy.set("up");
    expect(await dial(proxy.port)).toBe("connected");
  });

  test("in quick turns ends with what was said last", async () => {
    await Promise.all([proxy.set("refuse"), proxy.set("up"), proxy.set("refuse"), proxy.set("up")]);
    expect(await dial(proxy.port)).toBe("connected");
    await Promise.all([proxy.set("up"), proxy.set("refuse")]);
    expect(await dial(proxy.port)).toBe("ECONNREFUSED");
  });
});

describe("cut", () => {
  test.each([0, 1, 10_000])("ends a connection after %i bytes of its answers", async (afterBytes) => {
    await proxy.set({ kind: "cut", afterBytes, direction: "answers" });
    using client = await Client.dial(proxy.port);
    client.send("x".repeat(50_000));
    await client.ended();
    expect(client.bytes.length).toBe(afterBytes);
  });

  test("counts from the moment it is set, and both ways unless told", async () => {
    using client = await Client.dial(proxy.port);
    client.send("12345");
    await client.until(5);
    await proxy.set({ kind: "cut", afterBytes: 7 });
    client.send("abcde");
    await client.ended();
    expect(client.text).toBe("12345ab");
  });

  test("of requests delivers the first of them to the target", async () => {
    await proxy.set({ kind: "cut", afterBytes: 3, direction: "requests" });
    using client = await Client.dial(proxy.port);
    client.send("abcdef");
    await client.ended();
    await eventually(() => server.text === "abc");
  });
});

describe("the proxy", () => {
  test("is what a URL is led through", () => {
    expect(proxy.url("ws://user:secret@localhost:8000/rpc?a=1")).toBe(
      `ws://user:secret@127.0.0.1:${proxy.port}/rpc?a=1`,
    );
  });

  test("goes as slowly as who reads, and keeps little meanwhile", async () => {
    using client = await Client.dial(proxy.port);
    client.socket.pause();
    const sent = Buffer.alloc(20_000_000, "abc");
    client.send(sent);
    let last = -1;
    await eventually(() => {
      const { requests, answers } = proxy.stats().bytes;
      const stands = requests + answers === last;
      last = requests + answers;
      return stands && answers > 0;
    });
    expect(proxy.stats().bytes.answers).toBeLessThan(sent.length);
    client.socket.resume();
    await client.until(sent.length);
    expect(client.bytes.equals(sent)).toBe(true);
  });

  test("closes with what is open, also under a black hole, more than once, and frees its port", async () => {
    using open = await Client.dial(proxy.port);
    await eventually(() => server.sockets.length === 1);
    await proxy.set("black-hole");
    using held = await Client.dial(proxy.port);
    await Promise.all([proxy.close(), proxy.close()]);
    expect([await open.ended(), await held.ended()]).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(proxy.stats().open).toBe(0);
    expect(await dial(proxy.port)).toBe("ECONNREFUSED");
    await expect(proxy.set("up")).rejects.toThrow(/expected an open proxy/);
  });

  test("carries megabytes both ways unchanged while faults come and go", async () => {
    using client = await Client.dial(proxy.port);
    const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * 31) % 251));
    client.send(sent);
    for (let round = 0; round < 40; round += 1) {
      await proxy.set({ kind: "slow", latencyMs: round % 5, jitterMs: (round % 5) / 2 });
      await new Promise((resolve) => setImmediate(resolve));
      await proxy.set({
        kind: "black-hole",
        direction: (["both", "requests", "answers"] as const)[round % 3] ?? "both",
      });
      await new Promise((resolve) => setImmediate(resolve));
      await proxy.set("up");
    }
    await client.until(sent.length);
    expect(client.bytes.equals(sent)).toBe(true);
    expect(proxy.stats().bytes).toEqual({ requests: sent.length, answers: sent.length });
  });

  test.each([
    [{}, "target: expected an object with a port, got undefined"],
    [{ target: { port: 0 } }, "target.port: expected an integer in 1..65535, got 0"],
    [{ target: { port: 1 }, port: -1 }, "port: expected an integer in 0..65535, got -1"],
    [{ target: { port: 1 }, listen: 1 }, 'FaultProxy: unknown option "listen"'],
    [
      { target: { port: 1 }, fault: "hole" },
      "fault: expected one of up, slow, black-hole, reset, refuse, cut, got hole",
    ],
    [{ target: { port: 1 }, fault: { kind: "slow", latency: 1 } }, 'fault slow: unknown option "latency"'],
    [{ target: { port: 1 }, fault: { kind: "slow", latencyMs: -1 } }, "latencyMs: expected a number in 0.."],
    [
      { target: { port: 1 }, fault: { kind: "slow", latencyMs: 1, jitterMs: 2 } },
      "jitterMs: expected a number in 0..1",
    ],
    [{ target: { port: 1 }, fault: { kind: "slow", bytesPerSecond: 0 } }, "bytesPerSecond: expected a number in 1.."],
    [{ target: { port: 1 }, fault: "cut" }, "afterBytes: expected an integer in 0.."],
    [{ target: { port: 1 }, fault: { kind: "black-hole", direction: "up" } }, "direction: expected"],
    [{ target: { port: 1 }, fault: null }, "fault: expected one of"],
  ])("refuses wrong options: %j", async (options, message) => {
    await expect(FaultProxy.start(options as never)).rejects.toThrow(message);
  });

  test("refuses to be told nonsense while it runs, and goes on", async () => {
    await expect(proxy.set({ kind: "reset", direction: "both" } as never)).rejects.toThrow(/unknown option/);
    await expect(proxy.set("up", { on: "some" as never })).rejects.toThrow(/on: expected/);
    await expect(proxy.set("reset", { to: "new" } as never)).rejects.toThrow('set: unknown option "to"');
    expect(await dial(proxy.port)).toBe("connected");
  });

  test("says if its port is taken", async () => {
    await expect(FaultProxy.start({ target: server, port: proxy.port })).rejects.toThrow(
      `FaultProxy: cannot listen on 127.0.0.1:${proxy.port}: another process listens there`,
    );
  });
});

async function unusedPort(): Promise<number> {
  const closed = createServer().listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as { readonly port: number };
  closed.close();
  await once(closed, "close");
  return port;
}
