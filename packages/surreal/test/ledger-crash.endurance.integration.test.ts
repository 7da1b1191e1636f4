import { setTimeout } from "node:timers/promises";
import { type DatabaseService, isDatabaseError } from "@db/core";
import { startSurreal } from "@db/testing";
import { expect, test } from "vitest";
import { ledgered } from "./support/ledgered.ts";
import { remoteDriver } from "./support/server.ts";

const FULL = process.env.DB_TEST_SIZE === "full";
const ROUNDS = FULL ? 50 : 3;
const WRITERS = 16;
const RECORDS = 4;

test(`a server that is killed ${ROUNDS} times under ${WRITERS} writers, who send each write again until it is acknowledged, holds each once`, {
  timeout: FULL ? 600_000 : 60_000,
}, async () => {
  await using server = await startSurreal({ engine: "rocksdb" });
  const db = await ledgered(remoteDriver(server.url, { database: "crash" }));
  const counters = Array.from({ length: RECORDS }, (_, n) => `counters:${n}`);
  for (const id of counters) await db.create("counters", { n: 0 }, { id });

  let stopped = false;
  let unknown = 0;
  let acknowledgements = 0;
  const codes = new Map<string, number>();
  const added = new Map<string, number>();
  const created: string[] = [];

  /** As a queue does it: the same operation id until there is an answer. */
  const acknowledged = async (send: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      try {
        await send();
        acknowledgements += 1;
        return;
      } catch (error) {
        if (!isDatabaseError(error)) throw error;
        expect(["CONNECTION_FAILED", "OUTCOME_UNKNOWN", "QUERY_TIMEOUT", "CONFLICT", "SERVICE_UNAVAILABLE"]).toContain(
          error.code,
        );
        if (error.effect === "unknown") unknown += 1;
        codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
        await setTimeout(error.code === "SERVICE_UNAVAILABLE" ? Math.min(250, error.facts.retryAfterMs) : 20);
      }
    }
  };
  const writer = async (index: number): Promise<void> => {
    for (let n = 0; !stopped; n += 1) {
      const operationId = `writer-${index}-${n}`;
      const id = counters[(index + n) % RECORDS] ?? "";
      const timeoutMs = 2_000;
      await acknowledged(() => db.update(id, { n: 1 }, { mode: "increment", operationId, timeoutMs }));
      added.set(id, (added.get(id) ?? 0) + 1);
      const made = `rows:${operationId}`;
      await acknowledged(() => db.create("rows", { n }, { id: made, operationId: `${operationId}-row`, timeoutMs }));
      created.push(made);
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, index) => writer(index));
  for (let round = 0; round < ROUNDS; round += 1) {
    // Only a server that is at work can be killed at work.
    const enough = acknowledgements + WRITERS;
    await expect.poll(() => acknowledgements, { timeout: 20_000 }).toBeGreaterThan(enough);
    await setTimeout(Math.random() * 100);
    await server.kill();
    await server.restart();
  }
  await waitFor(db);
  stopped = true;
  await Promise.all(writers);

  for (const id of counters) expect(await db.read(id)).toMatchObject({ n: added.get(id) });
  expect(await db.count("rows")).toBe(created.length);
  const again = [...codes].map(([code, count]) => `${count} ${code}`).join(", ");
  const said = `${acknowledgements} writes acknowledged, ${unknown} of unknown outcome; sent again after ${again}`;
  process.stdout.write(`${said}\n`);
  expect(acknowledgements).toBe(created.length * 2);
  expect(unknown).toBeGreaterThan(0);
  await db.disconnect();
});

async function waitFor(db: DatabaseService): Promise<void> {
  await expect.poll(() => db.state.name, { timeout: 10_000 }).toBe("connected");
}
