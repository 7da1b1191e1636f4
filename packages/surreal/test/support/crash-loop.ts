import { setTimeout } from "node:timers/promises";
import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { type SurrealEngine, startSurreal } from "@db/testing";
import { PLACE, ROOT } from "./admin.ts";
import { within } from "./settled.ts";
import { type Judgement, prepare, Writers } from "./writers.ts";

interface CrashReport extends Judgement {
  /** From the server's start to the first acknowledged write, by round. */
  readonly recoveredMs: readonly number[];
}

const RECOVERY_MS = 10_000;

/** Kills the server under writers, again and again, and compares what they were told with what is there. */
export async function crashLoop(engine: Exclude<SurrealEngine, "mem">, rounds: number): Promise<CrashReport> {
  await using server = await startSurreal({ engine, startTimeoutMs: 60_000 });
  await prepare(server);
  const driver = surreal({ url: server.url, ...PLACE, authentication: ROOT });
  const db = createDatabase({ driver, timeoutMs: 5_000 });
  await db.connect();
  const writers = new Writers(db);
  const recoveredMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await setTimeout(50 + Math.random() * 250);
    await server.kill();
    await server.restart();
    const start = performance.now();
    if ((await within(RECOVERY_MS, writers.acknowledgement())) === undefined) {
      writers.broken.push(`round ${round}: no write was acknowledged in the ${RECOVERY_MS} ms after the restart`);
      break;
    }
    recoveredMs.push(Math.round(performance.now() - start));
  }
  await writers.end();
  await db.disconnect();
  return { ...(await writers.judge(server)), recoveredMs };
}
