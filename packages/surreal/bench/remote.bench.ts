import { parseArgs } from "node:util";
import { type Goal, report } from "@db/bench";
import { createDatabase, runCall } from "@db/core";
import { surreal } from "@db/surreal";
import { startSurreal } from "@db/testing";
import { RecordId, Surreal } from "surrealdb";
import { SharedCredentials } from "../src/credentials.ts";
import { checkOptions } from "../src/options.ts";
import { Server } from "../src/server.ts";
import { ServerVersions } from "../src/server-version.ts";
import { measureCeiling } from "./ceiling.ts";
import { compared, newId, note } from "./compared.ts";
import { type Call, type Latencies, latencies, type Throughput, throughputs } from "./load.ts";
import { measureRecovery } from "./recovery.ts";
import { soak } from "./soak.ts";

// The raw SDK and the driver over one server, in one process and in turn. The server is a process of its own.
const { values: args } = parseArgs({
  options: {
    "soak-seconds": { type: "string", default: "60" },
    times: { type: "string", default: "3000" },
    rounds: { type: "string", default: "7" },
  },
});
const PER_MESSAGE = 8;
const CALLERS = [64, 1_000];
const server = await startSurreal({ engine: "mem" });
const place = { namespace: "bench", database: "bench" };
const authentication = { username: "root", password: "root" };
const raw = new Surreal();
await raw.connect(server.url, { ...place, authentication });
const db = createDatabase({ driver: surreal({ url: server.url, ...place, authentication }) });
await db.connect();

// What is asked of it at the same moment goes together.
const sharing = createDatabase({
  driver: surreal({ url: server.url, ...place, authentication, pool: { perMessage: PER_MESSAGE } }),
});
await sharing.connect();

for (let n = 0; n < 1_000; n += 1)
  await raw.query("CREATE ONLY $id CONTENT $note", { id: new RecordId("notes", String(n)), note });
await raw.query("DEFINE TABLE made");
const { reads, writes } = compared(raw, { ours: db });
const inMessages = compared(raw, { ours: db, [`ours, ${PER_MESSAGE} a message`]: sharing });
const transactions: readonly Call[] = [
  {
    name: "transaction, SDK",
    run: async () => {
      const tx = await raw.beginTransaction();
      await tx.query("CREATE ONLY $id CONTENT $note RETURN NONE", { id: newId(), note }).collect();
      await tx.commit();
    },
  },
  { name: "transaction, ours", run: () => db.transaction((tx) => tx.create("made", note)) },
];

const times = Number(args.times);
const alone = [
  ...(await latencies(reads, times)),
  ...(await latencies(writes, times)),
  ...(await latencies(transactions, Math.ceil(times / 3))),
];
console.table(alone);
const together: Throughput[] = [];
for (const callers of CALLERS) {
  const options = { callers, rounds: Number(args.rounds), roundMs: 1_000, serverPid: server.pid ?? 0 };
  together.push(...(await throughputs(inMessages.reads, options)), ...(await throughputs(inMessages.writes, options)));
  // Enough rows would fill the memory.
  await raw.query("REMOVE TABLE made; DEFINE TABLE made");
}
console.table(together);
await sharing.disconnect();
const ceiling = await measureCeiling(CALLERS);
console.table(ceiling);

const acquireUs = await measureAcquire();
const capacity = Math.min(...together.filter(isOurs).map(({ medianPerSecond }) => medianPerSecond));
const mixed: Call = {
  name: "mixed",
  run: () => {
    const one = `notes:${Math.floor(Math.random() * 1_000)}`;
    return Math.random() < 0.8 ? db.read(one) : db.update(one, { n: 2 });
  },
};
const soaked = await soak(mixed, { callers: 1_000, seconds: Number(args["soak-seconds"]), perSecond: capacity / 2 });
console.table([soaked]);
await db.disconnect();
await raw.close();
await server.close();
const recovery = await measureRecovery(2_000, 100);
console.table([recovery]);

/** Of the driver's own pool, while nobody waits: a lease and its return, mean. */
async function measureAcquire(): Promise<number> {
  const options = checkOptions({ url: server.url, ...place, authentication });
  if (options.kind !== "remote") throw new Error("expected a server");
  const credentials = new SharedCredentials(authentication, place);
  const warm = new Server({ ...options, credentials, versions: new ServerVersions(options.serverVersions) });
  return runCall({ timeoutMs: 60_000 }, async (context) => {
    await warm.start(context);
    const count = 100_000;
    const start = performance.now();
    for (let n = 0; n < count; n += 1) (await warm.lend(context)).release();
    const tookUs = ((performance.now() - start) * 1_000) / count;
    await warm.close(0);
    return Math.round(tookUs * 1_000) / 1_000;
  });
}

function isOurs({ name }: { readonly name: string }): boolean {
  return name.endsWith("ours");
}

function p50(name: string): number {
  return alone.find((row: Latencies) => row.name === name)?.p50Us ?? Number.NaN;
}

function gain(name: string, callers: number): number {
  return together.find((row) => row.name === name && row.callers === callers)?.gain ?? Number.NaN;
}

const goals: Goal[] = [
  ...["read", "create"].map((kind) => ({
    what: `${kind}, one caller: p50 over the SDK's`,
    actual: Math.round((p50(`${kind}, ours`) / p50(`${kind}, SDK`)) * 1_000) / 1_000,
    limit: 1.05,
    unit: "ratio",
  })),
  ...CALLERS.flatMap((callers) =>
    ["read", "create"].flatMap((kind) => [
      {
        what: `${kind}, ${callers} callers: time of a call over the SDK's`,
        actual: Math.round((1 / gain(`${kind}, ours`, callers)) * 100) / 100,
        limit: 1,
        unit: "ratio",
      },
      {
        what: `${kind}, ${callers} callers, ${PER_MESSAGE} a message: time of a call over the SDK's`,
        actual: Math.round((1 / gain(`${kind}, ours, ${PER_MESSAGE} a message`, callers)) * 100) / 100,
        limit: 0.67,
        unit: "ratio",
      },
    ]),
  ),
  { what: "acquire and release, warm, mean", actual: acquireUs / 1_000, limit: 0.05, unit: "ms" },
  {
    what: "transaction, p50 above the SDK's",
    actual: Math.round(p50("transaction, ours") - p50("transaction, SDK")) / 1_000,
    limit: 0.1,
    unit: "ms",
  },
  { what: "soak: errors", actual: soaked.errors, limit: 0, unit: "errors" },
  { what: "soak: p99", actual: soaked.p99Ms, limit: 100, unit: "ms" },
  { what: "soak: growth of the heap", actual: soaked.heapLastMb - soaked.heapFirstMb, limit: 5, unit: "MB" },
  { what: "recovery: first call", actual: recovery.firstMs, limit: 1_000, unit: "ms" },
  { what: "recovery: all callers", actual: recovery.allMs, limit: 2_000, unit: "ms" },
  { what: "recovery: callers rejected", actual: recovery.rejected, limit: 0, unit: "callers" },
];
report(
  "surreal-remote",
  [...alone, ...together, ...ceiling, { name: "soak", ...soaked }, { name: "recovery", ...recovery }],
  goals,
);
process.exit();
