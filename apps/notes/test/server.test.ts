import { once } from "node:events";
import { connect } from "node:net";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import type { AppEnv } from "../src/env.ts";
import { type Listening, listen } from "../src/server.ts";
import { type Harness, json, note, startApp } from "./harness.ts";

async function start(app: Hono<AppEnv>): Promise<Listening> {
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  return server;
}

/** Sends bytes and gives what comes back until the connection ends. */
async function raw({ url }: Listening, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString();
  });
  socket.write(text);
  await once(socket, "close");
  return answer;
}

test.each([
  ["no HTTP", "garbage\r\n\r\n", 400],
  ["an unknown method", "BREW / HTTP/1.1\r\nhost: x\r\n\r\n", 400],
  ["no host", "GET /livez HTTP/1.1\r\nconnection: close\r\n\r\n", 400],
  ["a host that is none", "GET /livez HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n", 400],
  ["headers of 20 KB", `GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["an expectation", "POST /notes HTTP/1.1\r\nhost: x\r\nexpect: magic\r\nconnection: close\r\n\r\n", 417],
  ["CONNECT", "CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n", 501],
  ["two lengths", "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400],
])("%s gets a problem document", async (_name, text, status) => {
  const { app } = await startApp();
  const answer = await raw(await start(app), text);
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head.toLowerCase()).toContain("content-type: application/problem+json");
  // A chunked body has its lengths around it.
  const document = JSON.parse(body.slice(body.indexOf("{"), body.lastIndexOf("}") + 1));
  expect(document).toMatchObject({ status, type: "about:blank" });
});

test("a body over the limit is answered, not cut, also while it is still being sent", async () => {
  const { app } = await startApp();
  const { url } = await start(app);
  const chunk = Buffer.alloc(65_536, 0x20);
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += chunk.length;
      if (sent > 8_000_000) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const answer = await fetch(`${url}/notes`, { ...json("POST", ""), body, duplex: "half" } as RequestInit);
  expect([answer.status, answer.statusText]).toEqual([413, "Content Too Large"]);
  expect(((await answer.json()) as { readonly status: number }).status).toBe(413);
});

test("junk behind a request is refused behind its answer", async () => {
  const { app, db, mock } = await startApp();
  mock.latencyMs = 50;
  const server = await start(app);
  const body = JSON.stringify(note);
  const head = `POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const statuses = (text: string): readonly string[] =>
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code ?? "");
  expect(statuses(await raw(server, `${head}${body}junk\r\n\r\n`))).toEqual(["201", "400"]);
  // The second request breaks off within its body: it alone is refused.
  const broken =
    "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
  expect(statuses(await raw(server, `${head}${body}${broken}`))).toEqual(["201", "400"]);
  expect((await db.find("notes")).items.length).toBe(2);
});

const requestLine = async (lines: Harness["lines"]): Promise<Harness["lines"][number] | undefined> => {
  const isDone = ({ message }: Harness["lines"][number]): boolean => message.startsWith("request");
  await expect.poll(() => lines.some(isDone)).toBe(true);
  return lines.find(isDone);
};
const HALF = "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";

test("an upload that is broken off is the client's fault", async () => {
  const { app, lines } = await startApp();
  const { url } = await start(app);
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(HALF);
  await expect.poll(() => socket.bytesWritten).toBe(HALF.length);
  setTimeout(() => socket.resetAndDestroy(), 50);
  expect(await requestLine(lines)).toMatchObject({ level: "info", facts: { status: 499, route: "/notes" } });
});

test("an upload that is too slow is told so, and is the client's fault", async () => {
  const { app, lines } = await startApp();
  const server = await listen(app, { host: "127.0.0.1", port: 0, requestTimeoutMs: 100 });
  onTestFinished(() => server.close(0));
  // Behind another request: the first one's time begins with the connection, and may be over before its head was read.
  const told = await raw(server, `GET /livez HTTP/1.1\r\nhost: x\r\n\r\n${HALF}`);
  expect(told).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*HTTP\/1.1 408 Request Timeout\r\n/);
  await expect.poll(() => lines.at(-1)).toMatchObject({ level: "info", facts: { status: 499, route: "/notes" } });
});

test("who hangs up ends the database's call", async () => {
  const { app, mock, lines } = await startApp();
  const { url } = await start(app);
  mock.clearCalls();
  mock.hang();
  const controller = new AbortController();
  const asked = fetch(`${url}/notes`, { signal: controller.signal });
  while (mock.calls.length === 0) await new Promise(setImmediate);
  controller.abort();
  await expect(asked).rejects.toThrow();
  while (!lines.some(({ message }) => message === "database call failed")) await new Promise(setImmediate);
  expect(lines.find(({ message }) => message === "database call failed")?.facts).toMatchObject({ code: "CANCELLED" });
});

test("close lets requests under way end and waits for no idle connection", { timeout: 30_000 }, async () => {
  const app = new Hono<AppEnv>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  app.get("/slow", async (c) => {
    begin();
    await gate;
    return c.text("done");
  });
  app.get("/fast", (c) => c.text("x"));
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  await (await fetch(`${server.url}/fast`)).text();
  const slow = fetch(`${server.url}/slow`);
  await begun;
  const start = performance.now();
  const closed = server.close(60_000);
  await expect(fetch(`${server.url}/fast`)).rejects.toThrow();
  open();
  expect(await (await slow).text()).toBe("done");
  await closed;
  // An idle one is kept for nine seconds by its client, for ten by the server.
  expect(performance.now() - start).toBeLessThan(8_000);
});

test("close cuts what does not end in time", async () => {
  const app = new Hono<AppEnv>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  app.get("/never", () => {
    begin();
    return new Promise<Response>(() => {});
  });
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  const never = fetch(`${server.url}/never`);
  await begun;
  await Promise.all([expect(never).rejects.toThrow(), server.close(50)]);
});

test("a port that is taken rejects", async () => {
  const { app } = await startApp();
  const { url } = await start(app);
  await expect(listen(app, { host: "127.0.0.1", port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: "EADDRINUSE",
  });
});

test("works over the wire as in memory", async () => {
  const { app } = await startApp();
  const { url } = await start(app);
  const made = await fetch(`${url}/notes`, json("POST", note));
  expect(made.status).toBe(201);
  expect(await (await fetch(url + made.headers.get("location"))).json()).toMatchObject(note);
});
