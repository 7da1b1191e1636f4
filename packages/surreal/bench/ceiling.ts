import { fork } from "node:child_process";
import { once } from "node:events";
import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { Surreal } from "surrealdb";
import { compared } from "./compared.ts";
import { type Throughput, throughputs } from "./load.ts";

/** What each client reaches over a server that does nothing: where that is far away, it is not the client that limits. */
export async function measureCeiling(callers: readonly number[]): Promise<readonly Throughput[]> {
  const child = fork(new URL("./null-server.ts", import.meta.url), {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const [port]: readonly unknown[] = await once(child, "message");
  const url = `ws://127.0.0.1:${port}/rpc`;
  const place = { namespace: "bench", database: "bench" };
  const raw = new Surreal();
  await raw.connect(url, place);
  const db = createDatabase({ driver: surreal({ url, ...place }) });
  await db.connect();
  const { reads, writes } = compared(raw, { ours: db });
  const rows: Throughput[] = [];
  for (const count of callers) {
    const options = { callers: count, rounds: 3, roundMs: 400, serverPid: child.pid ?? 0 };
    rows.push(...(await throughputs(reads, options)), ...(await throughputs(writes, options)));
  }
  await db.disconnect();
  await raw.close();
  child.disconnect();
  return rows.map((row) => ({ ...row, name: `${row.name}, null server` }));
}
