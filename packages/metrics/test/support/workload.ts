import { channel } from "node:diagnostics_channel";
import {
  createDatabase,
  DatabaseErrorOf,
  type DatabaseService,
  defineDriver,
  type Handlers,
  type StatementKind,
} from "@db/core";
import { ConnectionPool } from "@db/pool";
import { retryLayer } from "@db/retry/layer";
import { onTestFinished } from "vitest";

const target = { system: "surrealdb", namespace: "shop|main", address: "db.example", port: 8000 };

/** A service on a driver that answers at once: `notes:missing` is not there, `notes:busy` conflicts once. */
export async function service(name = "primary"): Promise<DatabaseService> {
  let conflicts = 0;
  const statements: Handlers<StatementKind> = defineDriver({ name, statements: {} }).statements;
  const db = createDatabase({
    driver: defineDriver({
      name,
      target,
      capabilities: { queryLanguage: true, transactions: true },
      begin: async () => ({ statements, commit: async () => {}, rollback: async () => {} }),
      version: async () => "3.0.2",
      statements: {
        read: async ({ id }) => {
          if (id === "notes:busy" && conflicts++ === 0) throw new DatabaseErrorOf("CONFLICT", "busy: SECRET", {});
          return id === "notes:missing" ? undefined : { id, title: "SECRET" };
        },
        update: async ({ id }) => {
          const cause = Object.assign(new Error("SECRET"), { code: -32000 });
          throw new DatabaseErrorOf("NOT_FOUND", "SECRET", { id }, { cause });
        },
        find: async () => ({ items: [{ id: "notes:1" }, { id: "notes:2" }], next: null }),
        query: async () => [[{ id: "notes:1" }]],
      },
    }),
    layers: [retryLayer({ backoff: { baseMs: 1, jitter: "none" }, budget: false })],
  });
  onTestFinished(() => db.disconnect());
  await db.connect();
  return db;
}

export function pool(name: string): ConnectionPool<object> {
  const made = new ConnectionPool({ name, max: 1, min: 0, create: () => ({}), destroy: () => {} });
  onTestFinished(async () => {
    await made.close({ deadlineMs: 0 });
  });
  return made;
}

/** A queue that lives until the end of the test, as the registry and the channels show one. */
export function queue(name: string): void {
  const live = {
    kind: "queue",
    name,
    stats: () => ({ pending: 5, dead: 2, bytes: 700, oldestAgeMs: 1_500, rejected: { full: 1, closed: 0 } }),
  };
  onTestFinished(register(live));
  channel("db:queue:enqueue").publish({ queue: name });
  channel("db:queue:ack").publish({ queue: name });
  channel("db:queue:reject").publish({ queue: name, reason: "full" });
  channel("db:queue:dead").publish({ queue: name });
}

/** Puts anything among the live components. */
export function register(component: object): () => void {
  const registry = globalThis as { [key: symbol]: Set<WeakRef<object>> | undefined };
  const key = Symbol.for("@db/components");
  registry[key] ??= new Set();
  const reference = new WeakRef(component);
  registry[key].add(reference);
  return () => {
    registry[key]?.delete(reference);
    // Until here nobody may collect it.
    void component;
  };
}

/** One of everything that can happen. */
export async function work(): Promise<void> {
  const db = await service();
  const connections = pool("main");
  const lease = await connections.acquire();
  await connections.acquire({ timeoutMs: 1 }).catch(() => {});
  const waiting = connections.acquire();
  lease.destroy();
  (await waiting).release();
  queue("writes");

  await db.read("notes:1");
  await db.read("notes:missing");
  await db.read("notes:busy");
  await db.update("notes:1", { title: "SECRET" }).catch(() => {});
  await db.find("notes", {});
  await db.query("SELECT * FROM notes WHERE title = 'SECRET' AND id = $id", { id: "SECRET" });
}
