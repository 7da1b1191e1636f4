import { compare, type Goal } from "@db/bench";
import { createDatabase, type DatabaseService, defineDriver } from "@db/core";
import { WriteQueue } from "@db/queue";

const answer = { id: "notes:1", operationId: "", status: "committed" } as const;
const update = (): Promise<typeof answer> => Promise.resolve(answer);

async function service(layers: Parameters<typeof createDatabase>[0]["layers"]): Promise<DatabaseService> {
  const driver = defineDriver({ name: "nothing", statements: { update }, capabilities: { idempotentWrites: true } });
  const db = createDatabase({ driver, layers: layers ?? [] });
  await db.connect();
  return db;
}

/** What the layer costs a write while the database is there, on a driver that does nothing. */
export async function passThrough(): Promise<{ readonly rows: readonly object[]; readonly goals: readonly Goal[] }> {
  const queue = await WriteQueue.open({ durability: "memory" });
  const plain = await service([]);
  const queued = await service([queue.layer]);
  const data = { n: 1 };
  const rows = await compare([
    { name: "a write without the queue", run: () => plain.update("notes:1", data) },
    { name: "a write through the queue", run: () => queued.update("notes:1", data) },
  ]);
  const [without, through] = rows;
  if (without === undefined || through === undefined) throw new Error("expected both cases, got fewer");
  const goals: Goal[] = [
    {
      what: "a write through the idle queue over one without (min)",
      actual: through.minNs / without.minNs,
      limit: 1.35,
      unit: "×",
    },
  ];
  return { rows, goals };
}
