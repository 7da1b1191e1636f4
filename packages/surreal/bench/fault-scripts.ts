import { setTimeout } from "node:timers/promises";
import type { FaultProxy, SurrealServer } from "@db/testing";

export interface Scene {
  readonly server: SurrealServer;
  readonly proxy: FaultProxy;
}

/** One thing that goes wrong, from its start to the moment from which on nothing is wrong any more. */
export interface FaultScript {
  readonly name: string;
  /** Before the client connects. */
  readonly before?: (scene: Scene) => Promise<void>;
  readonly play: (scene: Scene) => Promise<void>;
}

const OUTAGE_MS = 3_000;

/** What comes after the last is recovery. */
async function repeat(times: number, pauseMs: number, act: () => Promise<void>): Promise<void> {
  for (let time = 1; time <= times; time += 1) {
    await act();
    if (time < times) await setTimeout(pauseMs);
  }
}

export const scripts: readonly FaultScript[] = [
  {
    name: "server away at the start, there after 3 s",
    before: ({ proxy }) => proxy.set("refuse"),
    async play({ proxy }) {
      await setTimeout(OUTAGE_MS);
      await proxy.set("up");
    },
  },
  {
    name: "port closed for 3 s",
    async play({ proxy }) {
      await proxy.set("refuse");
      await setTimeout(OUTAGE_MS);
      await proxy.set("up");
    },
  },
  {
    name: "connections reset, 5 times",
    play: ({ proxy }) => repeat(5, 600, () => proxy.set("reset", { on: "existing" })),
  },
  {
    name: "black hole for 3 s, open connections survive",
    async play({ proxy }) {
      await proxy.set("black-hole");
      await setTimeout(OUTAGE_MS);
      await proxy.set("up");
    },
  },
  {
    name: "open connections dead for good (a firewall forgot them)",
    play: ({ proxy }) => proxy.set("black-hole", { on: "existing" }),
  },
  {
    name: "half-open for good: requests arrive, answers do not",
    play: ({ proxy }) => proxy.set({ kind: "black-hole", direction: "answers" }, { on: "existing" }),
  },
  {
    name: "connection lost before the reply, 5 times",
    play: ({ server }) => repeat(5, 2_500, async () => server.fault({ dropBeforeReply: 1, methods: ["query"] })),
  },
  {
    name: "cut in the middle of a message, for 3 s",
    async play({ proxy }) {
      await proxy.set({ kind: "cut", afterBytes: 3_000 });
      await setTimeout(OUTAGE_MS);
      await proxy.set("up");
    },
  },
  {
    name: "slow: 100 ± 50 ms each way for 3 s",
    async play({ proxy }) {
      await proxy.set({ kind: "slow", latencyMs: 100, jitterMs: 50 });
      await setTimeout(OUTAGE_MS);
      await proxy.set("up");
    },
  },
  {
    name: "server stopped (SIGSTOP) for 3 s",
    async play({ server }) {
      server.pause();
      await setTimeout(OUTAGE_MS);
      server.resume();
    },
  },
  {
    name: "server killed -9, back after 2 s",
    async play({ server }) {
      await server.kill();
      await setTimeout(2_000);
      await server.restart();
    },
  },
  {
    name: "sessions expire, 3 times",
    play: ({ server }) => repeat(3, 500, () => server.fault({ expireSessions: true })),
  },
  {
    name: "server killed -9 and back, 10 times",
    play: ({ server }) =>
      repeat(10, 2_000, async () => {
        await server.kill();
        await server.restart();
      }),
  },
  {
    name: "black hole for 35 s, then reset",
    async play({ proxy }) {
      await proxy.set("black-hole");
      await setTimeout(35_000);
      await proxy.set("reset", { on: "existing" });
      await proxy.set("up");
    },
  },
  {
    name: "port closed for 75 s",
    async play({ proxy }) {
      await proxy.set("refuse");
      await setTimeout(75_000);
      await proxy.set("up");
    },
  },
];
