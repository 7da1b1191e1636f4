import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createDatabase } from "@db/core";
import { CHANNELS } from "@db/pool";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";

export interface Recovery {
  readonly outageMs: number;
  readonly callers: number;
  /** From the moment that the server takes connections. */
  readonly firstMs: number;
  readonly allMs: number;
  readonly rejected: number;
  readonly dialsInOutage: number;
}

/** A server is killed under its callers and comes back: when is the first of them served, when the last? */
export async function measureRecovery(outageMs: number, callers: number): Promise<Recovery> {
  const server = await startSurreal({ engine: "rocksdb" });
  const driver = surreal({
    url: server.url,
    namespace: "bench",
    database: "bench",
    authentication: { username: "root", password: "root" },
  });
  const db = createDatabase({ driver });
  await db.connect();
  await db.create("notes", { n: 0 });
  let failedDials = 0;
  const count = (): void => {
    failedDials += 1;
  };
  try {
    await server.kill();
    while (db.state.name === "connected") await new Promise((resolve) => setTimeout(resolve, 1));
    subscribe(CHANNELS.error, count);
    const served: number[] = [];
    let rejected = 0;
    const calls = Array.from({ length: callers }, () =>
      db.count("notes").then(
        () => served.push(performance.now()),
        () => {
          rejected += 1;
        },
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, outageMs));
    const dialsInOutage = failedDials;
    await server.restart();
    const back = performance.now();
    await Promise.all(calls);
    return {
      outageMs,
      callers,
      firstMs: Math.round(Math.min(...served) - back),
      allMs: Math.round(Math.max(...served) - back),
      rejected,
      dialsInOutage,
    };
  } finally {
    unsubscribe(CHANNELS.error, count);
    await db.disconnect();
    await server.close();
  }
}
