import { type SurrealServer, startSurreal } from "@db/testing";
import { RecordId, type Surreal } from "surrealdb";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connect } from "./support/surreal-clients.ts";

let server: SurrealServer;
beforeAll(async () => {
  server = await startSurreal();
});
afterEach(() => server.heal());
afterAll(() => server.close());

/** A client that is closed when the test ends. */
async function client(): Promise<Surreal & AsyncDisposable> {
  const db = await connect(server.url);
  const close = async (): Promise<void> => {
    await db.close();
  };
  return Object.assign(db, { [Symbol.asyncDispose]: close });
}

const rows = async (table: string): Promise<unknown> => {
  await using db = await client();
  const [ids] = await db
    .query<[unknown[]]>(`DEFINE TABLE IF NOT EXISTS ${table}; RETURN (SELECT VALUE id FROM ${table})`)
    .collect(1);
  return ids;
};

/** Whether it settles within so long. */
async function settles(work: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  const timer = Promise.withResolvers<boolean>();
  const timeout = setTimeout(() => timer.resolve(false), ms);
  const result = await Promise.race([settled, timer.promise]);
  clearTimeout(timeout);
  return result;
}

test("dropBeforeReply: the request is carried out and its socket is cut without an answer; later ones are fine", async () => {
  await using db = await client();
  await server.fault({ dropBeforeReply: 1, containing: "CREATE" });
  expect(await db.query("RETURN 1")).toEqual([1]);
  await expect(db.query("CREATE dropped:1").collect()).rejects.toMatchObject({ name: "CallTerminatedError" });
  expect(await rows("dropped")).toEqual([new RecordId("dropped", 1)]);
  await using again = await client();
  await again.query("CREATE dropped:2");
});

test("dropBeforeReply over HTTP: the request is carried out and the connection is cut", async () => {
  const db = await connect(server.httpUrl);
  await server.fault({ dropBeforeReply: 1, methods: ["query"] });
  await expect(db.query("CREATE dropped_http:1").collect()).rejects.toThrow("fetch failed");
  expect(await rows("dropped_http")).toEqual([new RecordId("dropped_http", 1)]);
  await db.close();
});

test("delayMs, version and versionNever are for HTTP too", async () => {
  const db = await connect(server.httpUrl);
  await server.fault({ delayMs: 300, containing: "RETURN" });
  const started = performance.now();
  expect(await db.query("RETURN 1")).toEqual([1]);
  expect(performance.now() - started).toBeGreaterThan(290);
  await server.fault({ versionNever: true });
  const never = fetch(new URL("/version", server.httpUrl));
  expect(await settles(Promise.race([db.version(), never]), 200)).toBe(false);
  await db.close();
});

test("delayMs: the answer is held back, what was asked is done before", async () => {
  await using db = await client();
  await server.fault({ delayMs: 300, containing: "CREATE" });
  const started = performance.now();
  await db.query("CREATE slow:1");
  expect(performance.now() - started).toBeGreaterThan(290);
  await server.fault({ delayMs: 60_000, containing: "CREATE" });
  await using other = await client();
  const held = expect(other.query("CREATE slow:2").collect()).rejects.toMatchObject({ name: "CallTerminatedError" });
  await expect.poll(() => rows("slow"), { interval: 20 }).toHaveLength(2);
  await server.fault({ dropSockets: "reset" });
  await held;
});

test("stopReading: nothing is read, on old and on new sockets, until it is switched off", async () => {
  await using db = await client();
  await server.fault({ stopReading: true });
  const asked = db.query("RETURN 1").collect();
  const dialled = connect(server.url);
  expect(await settles(Promise.race([asked, dialled]), 200)).toBe(false);
  await server.fault({ stopReading: false });
  expect(await asked).toEqual([1]);
  await (await dialled).close();
});

test("refuseDials: so many dials are reset before the handshake, the next one is let in", async () => {
  await server.fault({ refuseDials: 2 });
  const before = await server.stats();
  for (const _ of [1, 2]) await expect(connect(server.url)).rejects.toThrow("disconnected");
  await using db = await client();
  expect(await db.query("RETURN 1")).toEqual([1]);
  expect((await server.stats()).dials - before.dials).toBe(3);
});

test("maxMessageBytes: a larger message closes its socket, and it alone", async () => {
  await using small = await client();
  await using large = await client();
  await server.fault({ maxMessageBytes: 1_000 });
  const query = large.query("RETURN $text", { text: "x".repeat(1_000) }).collect();
  await expect(query).rejects.toMatchObject({ name: "CallTerminatedError" });
  expect(await small.query("RETURN 1")).toEqual([1]);
});

test("version: another one is claimed, over WebSocket and HTTP", async () => {
  await server.fault({ version: "4.0.0" });
  await expect(connect(server.url)).rejects.toMatchObject({ version: "surrealdb-4.0.0" });
  expect(await (await fetch(new URL("/version", server.httpUrl))).text()).toBe("surrealdb-4.0.0");
  await server.fault({ version: "nightly" });
  expect(await (await fetch(new URL("/version", server.httpUrl))).text()).toBe("nightly");
});

test("versionNever: version is not answered, all else is", async () => {
  await using db = await client();
  await server.fault({ versionNever: true });
  expect(await settles(db.version(), 200)).toBe(false);
  expect(await db.query("RETURN 1")).toEqual([1]);
});

test("password: the one of the start is refused, the new one is not, and tokens stay valid", async () => {
  await using db = await client();
  await server.fault({ password: 'it\'s "new" \\ {$x}' });
  await expect(connect(server.url)).rejects.toThrow("There was a problem with authentication");
  await (await connect(server.url, 'it\'s "new" \\ {$x}')).close();
  expect(await db.query("RETURN 1")).toEqual([1]);
});

test("expireSessions: sessions that are signed in are refused until they sign in again", async () => {
  await using db = await client();
  await server.fault({ expireSessions: true });
  await expect(db.query("RETURN 1").collect()).rejects.toMatchObject({
    message: "The session has expired",
    details: { kind: "Auth", details: { kind: "SessionExpired" } },
  });
  await db.signin({ username: "root", password: "root" });
  expect(await db.query("RETURN 1")).toEqual([1]);
});

test("sessionTtlMs: the engine itself lets sessions expire, and a token revives them", async () => {
  await server.fault({ sessionTtlMs: 1_000 });
  await using db = await client();
  expect(await db.query("RETURN 1")).toEqual([1]);
  await expect
    .poll(() => db.query("RETURN 1").then(String, String), { timeout: 4_000, interval: 100 })
    .toContain("The session has expired");
  await db.authenticate(db.accessToken ?? "");
  expect(await db.query("RETURN 1")).toEqual([1]);
});

test("tokenTtlMs: a token that has expired is refused", async () => {
  await server.fault({ tokenTtlMs: 1_000 });
  await using db = await client();
  const token = db.accessToken ?? "";
  await expect
    .poll(() => db.authenticate(token).then(String, String), { timeout: 4_000, interval: 100 })
    .toMatch(/expired/i);
});

for (const how of ["close", "end", "reset"] as const) {
  test(`dropSockets "${how}": sockets that are open are lost, new ones are served`, async () => {
    await using db = await client();
    const lost = new Promise((resolve) => db.subscribe("disconnected", () => resolve(true)));
    await server.fault({ dropSockets: how });
    expect(await lost).toBe(true);
    await using again = await client();
    expect(await again.query("RETURN 1")).toEqual([1]);
  });
}

test("pause: sockets stay open and nothing is answered, resume: all is", async () => {
  await using db = await client();
  server.pause();
  const asked = db.query("RETURN 1").collect();
  expect(await settles(asked, 200)).toBe(false);
  server.resume();
  expect(await asked).toEqual([1]);
});

test("a fault that does not exist, or has a wrong value, is refused by name", async () => {
  await expect(server.fault({ delayMS: 5 } as never)).rejects.toThrow('unknown option "delayMS"');
  await expect(server.fault({ delayMs: -1 })).rejects.toThrow("fault: delayMs: expected a number of milliseconds");
  await expect(server.fault({ dropSockets: "later" } as never)).rejects.toThrow('expected "close", "end" or "reset"');
  await expect(server.fault({ methods: "query" } as never)).rejects.toThrow("fault: methods: expected an array");
  await expect(server.fault({ stopReading: undefined } as never)).rejects.toThrow("fault: stopReading: expected");
});
