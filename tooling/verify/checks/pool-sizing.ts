import { setTimeout as sleep } from "node:timers/promises";
import { createDatabase, type DatabaseService } from "@db/core";
import { livePools } from "@db/pool";
import { surreal } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";
import type { Check } from "../check.ts";
import { AT_SERVER } from "../place.ts";

const NAME = "verify-pool";
const SOCKETS = 3;
const PER_SOCKET = 4;
const CALLERS = 60;
const IDLE_MS = 300;

export const poolSizing: Check = {
  name: "pool",
  about: "the pool keeps its least, never passes its most, and shrinks again",
  async run({ claim }, { use, signal }) {
    const server = use(await startSurreal({ engine: "mem", signal }));
    const pool = { maxSockets: SOCKETS, perSocket: PER_SOCKET, min: PER_SOCKET + 1, idleTimeoutMs: IDLE_MS };
    const db = use(createDatabase({ driver: surreal({ ...AT_SERVER, name: NAME, url: server.url, pool }) }));
    await db.connect({ signal });
    const atStart = await socketsSettle(server, 2, signal);
    claim(
      `its least (${PER_SOCKET + 1} statements, 2 sockets) is there after the start`,
      atStart === 2,
      `${atStart} sockets`,
    );

    const { sockets, inUse } = await most(db, server);
    const places = SOCKETS * PER_SOCKET;
    claim(`${CALLERS} callers get ${SOCKETS} sockets, seen from the server`, sockets === SOCKETS, `${sockets} sockets`);
    claim(`… and ${places} statements in flight`, inUse === places, `${inUse} statements`);
    const after = await socketsSettle(server, 2, signal);
    claim(`it shrinks to its least when unused for ${IDLE_MS} ms`, after === 2, `${after} sockets`);
  },
};

/** The most that was seen at any moment while many called. */
async function most(db: DatabaseService, server: SurrealServer): Promise<{ sockets: number; inUse: number }> {
  const calls = Array.from({ length: CALLERS }, () => db.query("SLEEP 50ms", {}, { access: "read" }));
  const all = Promise.all(calls);
  let done = false;
  const ended = all.finally(() => {
    done = true;
  });
  const seen = { sockets: 0, inUse: 0 };
  while (!done) {
    seen.sockets = Math.max(seen.sockets, (await server.stats()).sockets);
    const stats = livePools()
      .find((pool) => pool.stats().name.startsWith(NAME))
      ?.stats();
    seen.inUse = Math.max(seen.inUse, stats?.inUse ?? 0);
    await sleep(5);
  }
  await ended;
  return seen;
}

/** Waits until the server has so many, for a few seconds at most; tells how many it has then. */
async function socketsSettle(server: SurrealServer, wanted: number, signal: AbortSignal): Promise<number> {
  const until = performance.now() + 5_000;
  for (;;) {
    const { sockets } = await server.stats();
    if (sockets === wanted || performance.now() > until) return sockets;
    await sleep(20, undefined, { signal });
  }
}
