import { createDatabase, type DatabaseError, type DatabaseService, isDatabaseError, type Layer } from "@db/core";
import { MockDatabase, type MockDatabaseOptions } from "@db/testing";
import { onTestFinished } from "vitest";
import { MemoryStore, WriteQueue, type WriteQueueOptions } from "../../src/index.ts";

export interface Rig {
  readonly driver: MockDatabase;
  readonly queue: WriteQueue;
  readonly db: DatabaseService;
}

export interface RigOptions {
  readonly driver?: MockDatabaseOptions;
  readonly queue?: WriteQueueOptions;
  /** Between the queue and the driver. */
  readonly layers?: readonly Layer[];
  readonly timeoutMs?: number;
  readonly connect?: boolean;
}

/** A service with a queue in memory over a scripted database; closed when the test ends. */
export async function rig(options: RigOptions = {}): Promise<Rig> {
  const driver = new MockDatabase(options.driver);
  const queue = await WriteQueue.open({ store: new MemoryStore(), minBackoffMs: 1, maxBackoffMs: 5, ...options.queue });
  const db = createDatabase({
    driver,
    layers: [queue.layer, ...(options.layers ?? [])],
    timeoutMs: options.timeoutMs ?? 5_000,
  });
  if (options.connect !== false) await db.connect();
  onTestFinished(async () => {
    await db.disconnect({ drainMs: 0 });
    await queue.close();
  });
  return { driver, queue, db };
}

/** The writes that reached the database, in order: "create notes:1". */
export function writesOf(driver: MockDatabase): readonly string[] {
  return driver.calls.flatMap(({ kind, operation, outcome }) =>
    operation !== undefined && "id" in operation && kind !== "read" && outcome === "done"
      ? [`${kind} ${operation.id}`]
      : [],
  );
}

/** What a promise rejects with, which has to be one of ours. */
export async function failure(promise: PromiseLike<unknown>): Promise<DatabaseError> {
  try {
    await promise;
  } catch (thrown) {
    if (isDatabaseError(thrown)) return thrown;
    throw new Error(`expected a DatabaseError, got ${String(thrown)}`, { cause: thrown });
  }
  throw new Error("expected a rejection, got a result");
}

/** Resolves when it is so; looks at each turn of the event loop, for at most five seconds. */
export async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + 5_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`expected ${isSo} within 5 s`);
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
