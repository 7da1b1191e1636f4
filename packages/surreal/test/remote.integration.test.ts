import { setTimeout as sleep } from "node:timers/promises";
import {
  createDatabase,
  type DatabaseError,
  type DatabaseService,
  isDatabaseError,
  type LiveEvent,
  type Statements,
} from "@db/core";
import type { SurrealOptions } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { tokenOf } from "./support/admin.ts";
import { ROOT, remoteDriver } from "./support/server.ts";

let server: SurrealServer;
const open: DatabaseService[] = [];

beforeAll(async () => {
  server = await startSurreal({ engine: "rocksdb" });
});
afterEach(async () => {
  for (const db of open.splice(0)) await db.disconnect({ drainMs: 0 });
  if (server.pid === undefined) await server.restart();
  await server.heal();
});
afterAll(() => server.close());

/** For silence that is to be found soon. Elsewhere a server that halts for as long would lose its connections, and rightly. */
const WATCHFUL: Partial<SurrealOptions> = {
  connectTimeoutMs: 1_000,
  heartbeatIntervalMs: 100,
  heartbeatTimeoutMs: 300,
};
/** A connect that must fail takes all of its time, in which one attempt has to end, also where the machine halts for a moment. */
const IN_VAIN = { timeoutMs: 2_000 };
/** For a call that waits for a server to start. */
const PATIENT = { timeoutMs: 25_000 };

function service(options: Partial<SurrealOptions> = {}): DatabaseService {
  const db = createDatabase({ driver: remoteDriver(server.url, options) });
  open.push(db);
  return db;
}

async function connected(options: Partial<SurrealOptions> = {}): Promise<DatabaseService> {
  const db = service(options);
  await db.connect();
  return db;
}

async function refusal(call: Promise<unknown>): Promise<DatabaseError> {
  const error = await call.then(
    () => expect.fail("expected a rejection"),
    (thrown: unknown) => thrown,
  );
  if (!isDatabaseError(error)) throw error;
  return error;
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 8_000, interval: 10 }).toBe(true);
}

/** What the server goes on with for long would be counted in the next test. */
const killWithWhatItDoes = (): Promise<void> => server.kill();

describe("connecting", () => {
  test("waits for a server that is not there yet, and says that it is starting", async () => {
    await server.kill();
    const db = service();
    const connecting = db.connect();
    await sleep(300);
    expect(db.state.name).toBe("connecting");
    expect((await db.healthCheck()).status).toBe("starting");
    expect((await refusal(db.count("notes"))).code).toBe("SERVICE_UNAVAILABLE");
    await server.restart();
    await connecting;
    expect((await db.healthCheck()).status).toBe("healthy");
  });

  test("that has no more time says what the last attempt failed with, and can be tried again", async () => {
    await server.kill();
    const db = service();
    const error = await refusal(db.connect(IN_VAIN));
    expect([error.code, error.effect]).toEqual(["CONNECTION_FAILED", "none"]);
    expect(String((error.cause as Error).message)).toContain("ECONNREFUSED");
    expect(db.state.name).toBe("disconnected");
    await server.restart();
    await db.connect();
    expect(await db.count("notes")).toBe(0);
  });

  test.each([
    ["a wrong password", "AUTHENTICATION_FAILED", { authentication: { username: "root", password: "wrong" } }, {}],
    ["a version that is too new", "UNSUPPORTED_VERSION", {}, { version: "4.0.0-beta.1" }],
    ["a version that is too old", "UNSUPPORTED_VERSION", {}, { version: "2.0.4" }],
    ["what is no version", "UNSUPPORTED_VERSION", {}, { version: "nightly" }],
  ] as const)("ends at %s after one dial", async (_, code, options, faults) => {
    await server.fault(faults);
    const { dials } = await server.stats();
    const db = service(options);
    const error = await refusal(db.connect());
    expect([error.code, error.effect]).toEqual([code, "none"]);
    await sleep(200);
    expect((await server.stats()).dials).toBe(dials + 1);
    expect(JSON.stringify(error)).not.toContain("wrong");
  });

  test("to a server that never tells its version takes its time and no longer", async () => {
    await server.fault({ versionNever: true });
    const db = service({ connectTimeoutMs: 200 });
    const error = await refusal(db.connect(IN_VAIN));
    expect(error.code).toBe("CONNECTION_FAILED");
    await expect.poll(async () => (await server.stats()).sockets).toBe(0);
  });

  test("to what is no SurrealDB says what came instead", async () => {
    const db = createDatabase({ driver: remoteDriver(server.url.replace("/rpc", "/nothing")) });
    open.push(db);
    const error = await refusal(db.connect(IN_VAIN));
    expect(error.code).toBe("CONNECTION_FAILED");
    expect(String((error.cause as Error).cause)).toContain("HTTP status");
  });
});

describe("a lost connection", () => {
  test("makes a write OUTCOME_UNKNOWN and never sends it again", async () => {
    const db = await connected();
    await db.create("notes", { n: 0 });
    await server.fault({ dropBeforeReply: 1, methods: ["query"], containing: "CREATE" });
    const error = await refusal(db.create("notes", { n: 1 }, { operationId: "op-1" }));
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown", facts: { operationId: "op-1" } });
    expect(await db.count("notes")).toBe(2);
  });

  test("makes a read CONNECTION_FAILED without effect", async () => {
    const db = await connected();
    await server.fault({ dropBeforeReply: 1, methods: ["query"], containing: "SELECT" });
    expect(await refusal(db.count("notes"))).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
    expect(await db.count("notes")).toBe(0);
  });

  test("makes a commit OUTCOME_UNKNOWN", async () => {
    const db = await connected();
    await db.create("notes", { n: 0 });
    await server.fault({ dropBeforeReply: 1, methods: ["commit"] });
    const error = await refusal(db.transaction((tx) => tx.create("notes", { n: 1 })));
    expect(error).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    expect(await db.count("notes")).toBe(2);
  });

  test("undoes a transaction, whose statement says so", async () => {
    const db = await connected();
    const { id } = await db.create("notes", { n: 0 });
    await server.fault({ dropBeforeReply: 1, methods: ["query"], containing: "UPDATE" });
    const error = await refusal(db.transaction((tx) => tx.update(id, { n: 1 })));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", effect: "none", retryable: true });
    expect((await db.read(id))?.n).toBe(0);
  });

  test("with the server ends all that is under way, and calls that wait are served when it is back", async () => {
    const db = await connected();
    const calls = Array.from({ length: 40 }, () =>
      db.query("RETURN sleep(1m)", {}, { access: "read", timeoutMs: 10_000 }),
    );
    const ends = Promise.allSettled(calls);
    await sleep(50);
    await server.kill();
    for (const end of await ends) {
      expect(end.status).toBe("rejected");
      if (end.status === "rejected") expect(end.reason).toMatchObject({ code: "CONNECTION_FAILED", effect: "none" });
    }
    await until(() => db.state.name === "failed");
    expect((await db.healthCheck()).status).toBe("degraded");
    const waiting = db.create("notes", { n: 1 }, PATIENT);
    await server.restart();
    await waiting;
    expect(db.state.name).toBe("connected");
    expect(await db.count("notes")).toBe(1);
  });

  test("is refused at once once it has lasted, with the time of the next dial", async () => {
    const db = await connected({ unavailableAfterMs: 200 });
    await server.kill();
    await until(() => db.state.name === "failed");
    await sleep(250);
    const { state } = db;
    const error = await refusal(db.count("notes"));
    expect(error.code).toBe("SERVICE_UNAVAILABLE");
    const health = await db.healthCheck();
    expect(health.status).toBe("unhealthy");
    if (state.name === "failed" && health.status === "unhealthy")
      expect(health.retryAfterMs).toBeLessThanOrEqual(5_100);
  });

  test("that lasts longer than the call is CONNECTION_FAILED with the reason", async () => {
    const db = await connected();
    await server.kill();
    await until(() => db.state.name === "failed");
    const error = await refusal(db.create("notes", {}, { timeoutMs: 100 }));
    expect([error.code, error.effect]).toEqual(["CONNECTION_FAILED", "none"]);
  });

  test("in a black hole is found without a call", async () => {
    const db = await connected(WATCHFUL);
    server.pause();
    try {
      await until(() => db.state.name === "failed");
    } finally {
      server.resume();
    }
    await until(() => db.state.name === "connected");
    expect(await db.count("notes")).toBe(0);
  });

  test("in a black hole keeps no disconnect waiting", async () => {
    const db = await connected({ heartbeatIntervalMs: 60_000 });
    server.pause();
    try {
      const start = performance.now();
      await db.disconnect({ drainMs: 100 });
      expect(performance.now() - start).toBeLessThan(3_000);
    } finally {
      server.resume();
    }
  });
});

/** What it waits for takes long: an answer that is there when a process that stood still goes on may be given. */
describe("a call whose time is up", () => {
  test("leaves its place on the connection taken until the server is done", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 1 } });
    const start = performance.now();
    const error = await refusal(db.query("RETURN sleep(2s)", {}, { access: "read", timeoutMs: 100 }));
    expect([error.code, error.effect]).toEqual(["QUERY_TIMEOUT", "none"]);
    await db.count("notes");
    expect(performance.now() - start).toBeGreaterThan(1_950);
  });

  test("is given up with its connection if the server does not end it", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 1 }, abandonAfterMs: 200 });
    await refusal(db.query("RETURN sleep(1m)", {}, { access: "read", timeoutMs: 100 }));
    expect(await db.count("notes")).toBe(0);
    await killWithWhatItDoes();
  });

  test("tells that a write which was sent may have been applied", async () => {
    const db = await connected();
    await server.fault({ delayMs: 60_000, methods: ["query"] });
    const error = await refusal(db.create("notes", {}, { timeoutMs: 100 }));
    expect([error.code, error.effect]).toEqual(["QUERY_TIMEOUT", "unknown"]);
    await killWithWhatItDoes();
  });

  test.each([
    ["before its commit has changed nothing", "none", "query", 250],
    // What comes before the commit has to fit in as well, also where the server halts for a moment.
    ["at its commit may have been applied", "unknown", "commit", 2_000],
  ] as const)("tells that a transaction which it met %s", async (_text, effect, method, timeoutMs) => {
    const db = await connected();
    await db.read("notes:1");
    await server.fault({ delayMs: 60_000, methods: [method] });
    const late = db.transaction(async (tx) => void (await tx.create("notes", {})), { timeoutMs });
    expect(await refusal(late)).toMatchObject({ code: "QUERY_TIMEOUT", effect });
    await killWithWhatItDoes();
  });
});

describe("places on the connections", () => {
  test("that are all taken make a call wait, and then POOL_EXHAUSTED", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 2, acquireTimeoutMs: 100 } });
    const { requests } = await server.stats();
    const busy = [1, 2].map(() => db.query("RETURN sleep(2s)", {}, { access: "read" }));
    await expect.poll(async () => (await server.stats()).requests).toBe(requests + 2);
    expect(await refusal(db.count("notes"))).toMatchObject({ code: "POOL_EXHAUSTED", effect: "none", retryable: true });
    await Promise.all(busy);
    expect(await db.count("notes")).toBe(0);
  });

  test("are given back by a begin whose caller has gone, with nothing left of its transaction", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 1 } });
    await server.fault({ delayMs: 2_000, methods: ["begin"] });
    const error = await refusal(db.transaction(async () => expect.fail("must not run"), { timeoutMs: 100 }));
    expect(error).toMatchObject({ code: "QUERY_TIMEOUT", effect: "none" });
    await server.heal();
    expect(await db.count("notes")).toBe(0);
    await expect.poll(async () => (await server.stats()).transactions, { timeout: 5_000 }).toBe(0);
  });

  test("are given back by a transaction whose statement outlasts its caller", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 1 }, abandonAfterMs: 200 });
    const work = async (tx: Statements): Promise<void> => {
      await tx.query("RETURN sleep(1m)");
    };
    const error = await refusal(db.transaction(work, { timeoutMs: 100 }));
    expect([error.code, error.effect]).toEqual(["QUERY_TIMEOUT", "none"]);
    expect(await db.count("notes")).toBe(0);
    await killWithWhatItDoes();
  });

  test("serve more tenants than a socket keeps sessions for", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 4 } });
    const tenant = (n: number) => db.withScope({ namespace: "test", database: `tenant${n}` });
    for (let round = 0; round < 2; round += 1)
      await Promise.all(Array.from({ length: 80 }, (_, n) => tenant(n).query("RETURN 1", {}, { access: "read" })));
    // Those of the tenants, the socket's own, and what is just being left.
    await expect.poll(async () => (await server.stats()).sessions, { timeout: 5_000 }).toBeLessThanOrEqual(65);
  });

  test("enter a place for the first time together without a conflict, and with one dial each", async () => {
    const token = await tokenOf(server);
    const { dials } = await server.stats();
    const services = Array.from({ length: 12 }, () =>
      service({ namespace: "first", database: "first", authentication: () => token, pool: { maxSockets: 1 } }),
    );
    await Promise.all(services.map((db) => db.connect()));
    expect((await server.stats()).dials - dials).toBe(12);
    for (let round = 0; round < 10; round += 1) {
      const tenants = services.map((db) => db.withScope({ namespace: `first${round}`, database: "first" }));
      await Promise.all(tenants.map((tenant) => tenant.query("RETURN 1", {}, { access: "read" })));
    }
  });

  test("serve more tenants at once than a socket keeps sessions for, and keep no more", async () => {
    const db = await connected({ pool: { maxSockets: 1, perSocket: 200 } });
    const tenant = (n: number) => db.withScope({ namespace: "test", database: `tenant${n}` });
    for (let round = 0; round < 3; round += 1) {
      const asked = Array.from({ length: 200 }, (_, n) => tenant(n).query("RETURN 1", {}, { access: "read" }));
      expect(await Promise.all(asked)).toEqual(asked.map(() => [1]));
    }
    await expect.poll(async () => (await server.stats()).sessions, { timeout: 5_000 }).toBeLessThanOrEqual(65);
  });
});

describe("credentials", () => {
  test("are asked for once and shared by all sockets", async () => {
    let asked = 0;
    const authentication = () => {
      asked += 1;
      return ROOT;
    };
    const db = await connected({ authentication, pool: { maxSockets: 8, perSocket: 1, min: 8 } });
    await Promise.all(Array.from({ length: 64 }, () => db.count("notes")));
    await expect.poll(async () => (await server.stats()).sockets, { timeout: 8_000 }).toBe(8);
    expect(asked).toBe(1);
  });

  test("are used again for a session that has expired, and its call does not notice", async () => {
    const db = await connected();
    const { id } = await db.create("notes", { n: 0 });
    for (let round = 1; round <= 3; round += 1) {
      await server.fault({ expireSessions: true });
      await Promise.all(Array.from({ length: 10 }, () => db.read(id)));
      await db.update(id, { n: 1 }, { mode: "increment" });
      expect((await db.read(id))?.n).toBe(round);
    }
    expect((await server.stats()).sockets).toBe(1);
  });

  test("are used again for a transaction, and in the middle of one", async () => {
    const db = await connected();
    const { id } = await db.create("notes", { n: 0 });
    await server.fault({ expireSessions: true });
    await db.transaction(async (tx) => {
      await tx.update(id, { n: 1 });
      await server.fault({ expireSessions: true });
      await tx.update(id, { n: 1 }, { mode: "increment" });
    });
    expect((await db.read(id))?.n).toBe(2);
  });

  test.each([true, false])(
    "that are renewed while a transaction begins leave it its session, or give it another (%s)",
    async (commits) => {
      const db = await connected({ pool: { maxSockets: 1 } });
      await db.create("notes", { n: 0 }, { id: "notes:1" });
      const renew = async (): Promise<void> => {
        await server.fault({ expireSessions: true });
        await db.read("notes:1");
      };
      // The socket's own session stays as long as the socket; the one that takes its place does not.
      await renew();
      const { dials } = await server.stats();
      await server.fault({ delayMs: 500, methods: ["begin"] });
      const mine = new Error("mine");
      const begun = db.transaction(async (tx) => {
        if (!commits) throw mine;
        await tx.update("notes:1", { n: 1 });
      });
      await expect.poll(async () => (await server.stats()).transactions).toBe(1);
      await renew();
      if (commits) await begun;
      else await expect(begun).rejects.toBe(mine);
      expect((await db.read("notes:1"))?.n).toBe(commits ? 1 : 0);
      expect(await server.stats()).toMatchObject({ dials, transactions: 0 });
    },
  );

  test("are renewed before a token ends", async () => {
    await server.fault({ tokenTtlMs: 2_000, sessionTtlMs: 2_000 });
    let asked = 0;
    const authentication = () => {
      asked += 1;
      return ROOT;
    };
    const db = await connected({ authentication });
    const end = performance.now() + 4_500;
    while (performance.now() < end) {
      await db.count("notes");
      await sleep(50);
    }
    expect(asked).toBeGreaterThan(1);
  });

  test("that cannot be renewed are asked for now and then, and leave nothing on the server", async () => {
    await server.fault({ tokenTtlMs: 4_000 });
    let asked = 0;
    const authentication = () => {
      asked += 1;
      if (asked > 1) throw new Error("the vault is away");
      return ROOT;
    };
    const goodUntil = performance.now() + 4_000;
    const db = await connected({ authentication });
    // Once the token has ended a call has nobody to be, and asks each time: here that is where the machine halts for long.
    const count = () =>
      db.count("notes").catch((error: unknown) => {
        if (performance.now() < goodUntil) throw error;
      });
    // Ahead of its end, while the token that there is still serves.
    while (asked < 2) await count();
    for (let n = 0; n < 20; n += 1) await count();
    const askedSoFar = asked;
    if (performance.now() < goodUntil) expect(askedSoFar).toBe(2);
    await expect.poll(async () => (await server.stats()).sessions).toBe(1);
  });

  test.each(["none", "a.b.c"])("that are a token which is none (%s) are dialled with once", async (authentication) => {
    const { dials } = await server.stats();
    expect((await refusal(service({ authentication }).connect())).code).toBe("AUTHENTICATION_FAILED");
    expect((await server.stats()).dials - dials).toBe(1);
  });

  test("that are no longer right fail the connection for all, until they are", async () => {
    let password = "root";
    const db = await connected({
      authentication: () => ({ username: "root", password }),
    });
    await server.fault({ password: "changed", tokenTtlMs: 1_000 });
    await server.kill();
    await server.restart({ password: "changed" });
    await until(() => db.state.name === "failed" && db.state.error.code === "AUTHENTICATION_FAILED");
    expect((await refusal(db.count("notes"))).code).toBe("AUTHENTICATION_FAILED");
    password = "changed";
    await until(() => db.state.name === "connected");
    expect(await db.count("notes")).toBe(0);
    await server.restart();
  });
});

describe("messages", () => {
  test("that are too long for us are not sent", async () => {
    const db = await connected({ maxMessageBytes: 10_000 });
    const error = await refusal(db.create("notes", { text: "x".repeat(20_000) }));
    expect(error).toMatchObject({ code: "PAYLOAD_TOO_LARGE", effect: "none", facts: { limitBytes: 10_000 } });
    expect(await db.count("notes")).toBe(0);
  });

  test("that are too long for the server are PAYLOAD_TOO_LARGE without effect, and not sent again", async () => {
    const db = await connected();
    await server.fault({ maxMessageBytes: 50_000 });
    const error = await refusal(db.create("notes", { text: "x".repeat(60_000) }));
    expect([error.code, error.effect]).toEqual(["PAYLOAD_TOO_LARGE", "none"]);
    expect(await db.count("notes")).toBe(0);
  });

  test("that are too long for us to take are PAYLOAD_TOO_LARGE", async () => {
    const db = await connected({ maxMessageBytes: 10_000 });
    for (let n = 0; n < 4; n += 1) await db.create("notes", { text: "x".repeat(5_000) });
    const error = await refusal(db.find("notes"));
    expect(error).toMatchObject({ code: "PAYLOAD_TOO_LARGE", effect: "none", retryable: false });
    expect(await db.count("notes")).toBe(4);
  });
});

describe("over HTTP", () => {
  async function overHttp(options: Partial<SurrealOptions> = {}): Promise<DatabaseService> {
    const db = createDatabase({ driver: remoteDriver(server.httpUrl, options) });
    open.push(db);
    await db.connect();
    return db;
  }

  test("what needs a connection that lasts is UNSUPPORTED", async () => {
    const db = await overHttp();
    expect((await refusal(db.transaction(async () => {}))).code).toBe("UNSUPPORTED");
    expect((await refusal(db.live("notes")[Symbol.asyncIterator]().next())).code).toBe("UNSUPPORTED");
  });

  test("an answer that is lost makes a write OUTCOME_UNKNOWN, and spares those beside it", async () => {
    const db = await overHttp();
    await db.create("notes", { n: 0 });
    await server.fault({ dropBeforeReply: 1, methods: ["query"], containing: "CREATE" });
    const beside = db.query("RETURN sleep(300ms)", {}, { access: "write" });
    expect(await refusal(db.create("notes", { n: 1 }))).toMatchObject({ code: "OUTCOME_UNKNOWN", effect: "unknown" });
    await beside;
    expect(await db.count("notes")).toBe(2);
  });

  test("a server that is gone is found by the next call or without one, and used again when it is back", async () => {
    const db = await overHttp(WATCHFUL);
    await server.kill();
    await until(() => db.state.name === "failed");
    const waiting = db.count("notes", undefined, PATIENT);
    await server.restart();
    expect(await waiting).toBe(0);
    expect((await db.healthCheck()).status).toBe("healthy");
  });

  test("a server that is silent is found without a call", async () => {
    const db = await overHttp(WATCHFUL);
    server.pause();
    try {
      await until(() => db.state.name === "failed");
    } finally {
      server.resume();
    }
    await until(() => db.state.name === "connected");
  });

  test("a token is renewed when it ends", async () => {
    await server.fault({ tokenTtlMs: 1_000 });
    let asked = 0;
    const authentication = () => {
      asked += 1;
      return ROOT;
    };
    const db = await overHttp({ authentication });
    await sleep(1_500);
    expect(await db.count("notes")).toBe(0);
    expect(asked).toBeGreaterThan(1);
  });

  test("what is too long is PAYLOAD_TOO_LARGE, either way", async () => {
    const db = await overHttp({ maxMessageBytes: 10_000 });
    expect(await refusal(db.create("notes", { text: "x".repeat(20_000) }))).toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      effect: "none",
    });
    for (let n = 0; n < 4; n += 1) await db.create("notes", { text: "x".repeat(5_000) });
    expect(await refusal(db.find("notes"))).toMatchObject({ code: "PAYLOAD_TOO_LARGE", effect: "none" });
    expect(await db.count("notes")).toBe(4);
    const wide = await overHttp();
    expect((await refusal(wide.create("notes", { text: "x".repeat(5_000_000) }))).code).toBe("PAYLOAD_TOO_LARGE");
  });

  test("names that a header cannot hold as they are are refused, at the start at once", async () => {
    const db = await overHttp();
    for (const name of ["ü", " tenant", "tenant "]) {
      const error = await refusal(db.withScope({ namespace: "test", database: name }).count("notes"));
      expect([error.code, error.effect]).toEqual(["VALIDATION_FAILED", "none"]);
      const start = createDatabase({ driver: remoteDriver(server.httpUrl, { namespace: name }) });
      open.push(start);
      expect((await refusal(start.connect({ timeoutMs: 3_000 }))).code).toBe("VALIDATION_FAILED");
    }
  });

  test("a wrong password ends the start at once", async () => {
    const driver = remoteDriver(server.httpUrl, { authentication: { username: "root", password: "wrong" } });
    const db = createDatabase({ driver });
    open.push(db);
    expect((await refusal(db.connect())).code).toBe("AUTHENTICATION_FAILED");
  });
});

describe("a live query", () => {
  interface Seen {
    readonly events: LiveEvent[];
    readonly done: Promise<unknown>;
  }

  function follow(db: Pick<DatabaseService, "live">, signal?: AbortSignal): Seen {
    const events: LiveEvent[] = [];
    const read = async (): Promise<string> => {
      for await (const event of db.live("notes", signal === undefined ? {} : { signal })) events.push(event);
      return "ended";
    };
    return { events, done: read().catch((error: unknown) => error) };
  }

  const actions = ({ events }: Seen): string[] =>
    events.map((event) => (event.action === "resync" ? event.reason : event.action));

  test.each(["close", "end", "reset"] as const)(
    "whose socket is lost (%s) stands again, after a resync",
    async (dropSockets) => {
      const db = await connected();
      const seen = follow(db);
      await until(() => seen.events.length === 1);
      const { id } = await db.create("notes", { n: 1 });
      await until(() => seen.events.length === 2);
      await server.fault({ dropSockets });
      await until(() => seen.events.length === 3);
      await db.update(id, { n: 2 });
      await until(() => seen.events.length === 4);
      expect(actions(seen)).toEqual(["started", "create", "lost", "update"]);
      await db.disconnect();
      expect(await seen.done).toBe("ended");
    },
  );

  test("stands again after the server was killed", async () => {
    const db = await connected();
    const seen = follow(db);
    await until(() => seen.events.length === 1);
    await server.kill();
    await until(() => db.state.name === "failed");
    await server.restart();
    await until(() => seen.events.length === 2);
    await db.create("notes", { n: 1 });
    await until(() => seen.events.length === 3);
    expect(actions(seen)).toEqual(["started", "lost", "create"]);
  });

  test("ends with the error that will not pass", async () => {
    const db = await connected();
    const seen = follow(db);
    await until(() => seen.events.length === 1);
    await server.kill();
    await server.restart({ password: "changed" });
    expect(await seen.done).toMatchObject({ code: "AUTHENTICATION_FAILED" });
    await db.disconnect();
    await server.restart();
  });

  test("leaves nothing on the server", async () => {
    const db = await connected();
    const controller = new AbortController();
    const seen = Array.from({ length: 5 }, () => follow(db, controller.signal));
    for (const one of seen) await until(() => one.events.length === 1);
    expect((await server.stats()).live).toBe(5);
    controller.abort();
    for (const one of seen) expect(await one.done).toBe("ended");
  });

  test("stays where it is when its session is replaced", async () => {
    const db = await connected();
    const seen = follow(db);
    await until(() => seen.events.length === 1);
    await server.fault({ expireSessions: true });
    await db.create("notes", { n: 1 });
    await db.create("notes", { n: 2 });
    await until(() => seen.events.length === 3);
    expect(actions(seen)).toEqual(["started", "create", "create"]);
  });

  test("stays where it is when its session is replaced as it begins", async () => {
    const db = await connected({ pool: { maxSockets: 1 } });
    const renew = async (): Promise<void> => {
      await server.fault({ expireSessions: true });
      await db.create("notes", { n: 0 });
    };
    // The socket's own session stays as long as the socket; the one that takes its place does not.
    await renew();
    await server.fault({ delayMs: 500, containing: "LIVE SELECT" });
    const controller = new AbortController();
    const seen = follow(db, controller.signal);
    await expect.poll(async () => (await server.stats()).live).toBe(1);
    await renew();
    await until(() => seen.events.length > 0);
    await db.create("notes", { n: 1 });
    await until(() => seen.events.some((event) => event.action === "create" && event.row.n === 1));
    // What was written to renew the session may be told too, if it began meanwhile.
    expect(actions(seen).filter((action) => action !== "create")).toEqual(["started"]);
    const { sessions } = await server.stats();
    controller.abort();
    expect(await seen.done).toBe("ended");
    await expect.poll(async () => (await server.stats()).sessions).toBe(sessions - 1);
  });

  test.each(["by its caller", "by the server"])("ended %s leaves a session that was replaced meanwhile", async (by) => {
    const db = await connected();
    const tenant = db.withScope({ namespace: "test", database: "tenant" });
    const controller = new AbortController();
    await tenant.create("notes", { n: 0 });
    const seen = follow(tenant, controller.signal);
    await until(() => seen.events.length === 1);
    const { sessions } = await server.stats();
    await server.fault({ expireSessions: true });
    await tenant.create("notes", { n: 1 });
    expect((await server.stats()).sessions).toBe(sessions + 1);
    if (by === "by the server") await tenant.query("REMOVE TABLE notes");
    else controller.abort();
    expect(await seen.done).toBe("ended");
    await expect.poll(async () => (await server.stats()).sessions).toBe(sessions);
  });
});
