import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { FaultProxy, type SurrealServer, startSurreal } from "@db/testing";
import { ask, PLACE, ROOT } from "./admin.ts";
import { within } from "./settled.ts";
import { type Judgement, prepare, Writers } from "./writers.ts";

export interface ChaosReport extends Judgement {
  readonly steps: number;
  readonly recoveredMs: number | undefined;
  /** What the server still holds for the driver some time after it has disconnected. */
  readonly left: { readonly sockets: number; readonly sessions: number; readonly transactions: number };
}

interface Scene {
  readonly server: SurrealServer;
  readonly proxy: FaultProxy;
  /** 0 ≤ n < below, whole. */
  readonly draw: (below: number) => number;
}

type Step = (scene: Scene) => Promise<unknown>;

const DIRECTIONS = ["both", "requests", "answers"] as const;
const steps: readonly Step[] = [
  ({ proxy }) => proxy.set("refuse"),
  ({ proxy }) => proxy.set("reset"),
  ({ proxy }) => proxy.set("reset", { on: "existing" }),
  ({ proxy, draw }) => proxy.set({ kind: "black-hole", direction: DIRECTIONS[draw(3)] ?? "both" }),
  ({ proxy, draw }) => proxy.set({ kind: "black-hole", direction: DIRECTIONS[draw(3)] ?? "both" }, { on: "existing" }),
  ({ proxy, draw }) => proxy.set({ kind: "slow", latencyMs: 5 + draw(40), jitterMs: 5 }),
  ({ proxy, draw }) => proxy.set({ kind: "slow", bytesPerSecond: 2_000 + draw(50_000) }),
  ({ proxy, draw }) => proxy.set({ kind: "cut", afterBytes: draw(5_000) }),
  ({ server, draw }) => server.fault({ dropBeforeReply: 1 + draw(5) }),
  ({ server }) => server.fault({ dropBeforeReply: 1, methods: ["commit"] }),
  ({ server, draw }) => server.fault({ dropSockets: (["close", "end", "reset"] as const)[draw(3)] }),
  ({ server, draw }) => server.fault({ refuseDials: 1 + draw(5) }),
  ({ server, draw }) => server.fault({ delayMs: 1 + draw(100) }),
  ({ server }) => server.fault({ stopReading: true }),
  ({ server }) => server.fault({ expireSessions: true }),
  async ({ server, draw }) => {
    server.pause();
    await setTimeout(draw(500));
    server.resume();
  },
];

/** Faults of every kind, one upon another, drawn by a seed; then all is well and the writers must be served again. */
export async function chaos(seed: number, durationMs: number): Promise<ChaosReport> {
  await using server = await startSurreal({ engine: "rocksdb", startTimeoutMs: 60_000 });
  await using proxy = await FaultProxy.start({ target: server });
  await prepare(server);
  const draw = drawing(seed);
  const scene: Scene = { server, proxy, draw: (below) => Math.floor(draw() * below) };
  const db = createDatabase({
    driver: surreal({
      url: proxy.url(server.url),
      ...PLACE,
      authentication: ROOT,
      connectTimeoutMs: 1_000,
      heartbeatIntervalMs: 250,
      heartbeatTimeoutMs: 250,
    }),
    timeoutMs: 1_500,
  });
  await db.connect();
  const writers = new Writers(db);
  const end = performance.now() + durationMs;
  let played = 0;
  while (performance.now() < end) {
    await steps[scene.draw(steps.length)]?.(scene);
    await setTimeout(scene.draw(400));
    if (scene.draw(3) === 0) await allWell(scene);
    played += 1;
  }
  await allWell(scene);
  // Once the server itself writes again: its machine may halt as well.
  await ask(server, "CREATE probes");
  const start = performance.now();
  const isBack = await within(10_000, writers.acknowledgement());
  const recoveredMs = isBack === undefined ? undefined : Math.round(performance.now() - start);
  await writers.end();
  await db.disconnect();
  const judgement = await writers.judge(server);
  return { ...judgement, steps: played, recoveredMs, left: await leftovers(server) };
}

/** What is held on connections that are gone goes with them. */
async function allWell({ proxy, server }: Scene): Promise<void> {
  await server.heal();
  await proxy.set("up");
}

/** A server hears of a closed connection a moment later. */
async function leftovers(server: SurrealServer): Promise<ChaosReport["left"]> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { sockets, sessions, transactions } = await server.stats();
    if (sockets + sessions + transactions === 0 || performance.now() > deadline)
      return { sockets, sessions, transactions };
    await setTimeout(20);
  }
}

/** Numbers in 0..1 that a seed repeats. */
function drawing(seed: number): () => number {
  let drawn = 0;
  return () => {
    drawn += 1;
    return createHash("sha256").update(`${seed} ${drawn}`).digest().readUInt32BE() / 2 ** 32;
  };
}
