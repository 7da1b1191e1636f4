import type { Feed } from "./feed.ts";
import { CONNECTION_STATE, DURATION_BOUNDARIES, LIFETIME_BOUNDARIES, POOL_NAME } from "./names.ts";
import {
  type ClosedEvent,
  type CreatedEvent,
  type ReleaseEvent,
  SOURCES,
  type TimeoutEvent,
  type WaitEvent,
} from "./sources.ts";

const names = [POOL_NAME];
const durations = { unit: "s", boundaries: DURATION_BOUNDARIES, names };
const connections = { unit: "{connection}", names };

/** Sizes are read when somebody looks; only what waits, fails or is made costs a record of its own. */
export function recordPools(feed: Feed): void {
  const count = feed.gauge("upDownCounter", "db.client.connection.count", {
    unit: "{connection}",
    description: "The number of connections that are currently in state described by the state attribute.",
    names: [POOL_NAME, CONNECTION_STATE],
    crowded: [POOL_NAME],
  });
  const max = feed.gauge("upDownCounter", "db.client.connection.max", {
    ...connections,
    description: "The maximum number of open connections allowed.",
  });
  const pending = feed.gauge("upDownCounter", "db.client.connection.pending_requests", {
    unit: "{request}",
    names,
    description: "The number of current pending requests for an open connection.",
  });
  const acquires = feed.gauge("counter", "database.connection.acquires", {
    unit: "{request}",
    names,
    description: "Connections handed out; db.client.connection.wait_time has those that had to be waited for.",
  });
  const countTimeout = feed.counter("db.client.connection.timeouts", {
    unit: "{timeout}",
    names,
    description: "The number of connection timeouts that have occurred trying to obtain a connection from the pool.",
  });
  const recordWait = feed.histogram("db.client.connection.wait_time", {
    ...durations,
    description: "The time it took to obtain an open connection from the pool, where none was at hand.",
  });
  feed.on<TimeoutEvent>(SOURCES.poolTimeout, ({ pool }) => countTimeout(1, [pool]));
  feed.on<WaitEvent>(SOURCES.poolWait, ({ pool, waitedMs }) => recordWait(waitedMs / 1_000, [pool]));

  const known = new Set<string>();
  feed.readEach("pool", (pool) => {
    const { name } = pool;
    const stats = pool.stats();
    count.add(stats.idle, [name, "idle"]);
    count.add(stats.inUse, [name, "used"]);
    count.add(stats.checking, [name, "checking"]);
    count.add(stats.creating, [name, "connecting"]);
    max.add(stats.max, [name]);
    pending.add(stats.waiting, [name]);
    acquires.add(stats.acquired, [name]);
    // From 0, or the first timeout would be no increase.
    if (isNew(known, name)) countTimeout(0, [name]);
  });
  if (feed.tells("detailed")) recordConnections(feed);
}

function recordConnections(feed: Feed): void {
  const idleMax = feed.gauge("upDownCounter", "db.client.connection.idle.max", {
    ...connections,
    description: "The maximum number of idle open connections allowed.",
  });
  const idleMin = feed.gauge("upDownCounter", "db.client.connection.idle.min", {
    ...connections,
    description: "The minimum number of idle open connections allowed.",
  });
  feed.readEach("pool", (pool) => {
    const { max, min } = pool.stats();
    idleMax.add(max, [pool.name]);
    idleMin.add(min, [pool.name]);
  });
  const recordCreate = feed.histogram("db.client.connection.create_time", {
    ...durations,
    description: "The time it took to create a new connection.",
  });
  const recordUse = feed.histogram("db.client.connection.use_time", {
    ...durations,
    description: "The time between borrowing a connection and returning it to the pool.",
  });
  const recordLifetime = feed.histogram("database.connection.lifetime", {
    unit: "s",
    boundaries: LIFETIME_BOUNDARIES,
    names: [POOL_NAME, "reason"],
    crowded: [POOL_NAME],
    description: "How old connections were when they were closed, by the reason.",
  });
  feed.on<CreatedEvent>(SOURCES.poolCreated, ({ pool, durationMs }) => recordCreate(durationMs / 1_000, [pool]));
  feed.on<ReleaseEvent>(SOURCES.poolRelease, ({ pool, usedMs }) => recordUse(usedMs / 1_000, [pool]));
  feed.on<ClosedEvent>(SOURCES.poolClosed, ({ pool, reason, lifetimeMs }) =>
    recordLifetime(lifetimeMs / 1_000, [pool, reason]),
  );
}

/** Bounded, as the series are: beyond them names share one anyway. */
const MAX_KNOWN = 2_000;

export function isNew(known: Set<string>, name: string): boolean {
  if (known.has(name) || known.size >= MAX_KNOWN) return false;
  known.add(name);
  return true;
}
