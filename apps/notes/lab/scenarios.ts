import type { World } from "./world.ts";

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /**
   * Whether requests are refused while it lasts: they `must` be where it goes on past the limit, and `may` be while a
   * process starts again, or where no connection lives for long. Default neither.
   */
  readonly refuses?: "must" | "may";
  /** Makes the fault, waits, and takes it back. */
  readonly play: (world: World) => Promise<void>;
}

/** Durations are parts of the limit after which requests are refused, so a short limit makes a short lab. */
export const scenarios: readonly Scenario[] = [
  {
    name: "cut",
    title: "Cut, and back before the limit",
    play: async ({ proxy, limitMs, wait }) => {
      await proxy.set("refuse");
      await wait(limitMs * 0.6);
      await proxy.set("up");
    },
  },
  {
    name: "cut-past-limit",
    title: "Cut past the limit",
    refuses: "must",
    play: async ({ proxy, limitMs, wait }) => {
      await proxy.set("refuse");
      await wait(limitMs + 2_500);
      await proxy.set("up");
    },
  },
  {
    name: "black-hole",
    title: "Black hole: connected, and nothing comes back",
    play: async ({ proxy, limitMs, wait }) => {
      await proxy.set("black-hole");
      await wait(limitMs * 0.6);
      await proxy.set("up");
    },
  },
  {
    name: "half-open",
    title: "Half open: requests arrive, answers do not",
    play: async ({ proxy, limitMs, wait }) => {
      await proxy.set({ kind: "black-hole", direction: "answers" });
      await wait(limitMs * 0.6);
      await proxy.set("up");
    },
  },
  {
    name: "reset",
    title: "Every connection reset, three times",
    play: async ({ proxy, wait }) => {
      for (let times = 0; times < 3; times += 1) {
        await proxy.set("reset", { on: "existing" });
        await wait(400);
      }
    },
  },
  {
    name: "slow",
    title: "Slow: 150 ms and more each way",
    play: async ({ proxy, limitMs, wait }) => {
      await proxy.set({ kind: "slow", latencyMs: 150, jitterMs: 50 });
      await wait(limitMs * 0.6);
      await proxy.set("up");
    },
  },
  {
    name: "flap",
    title: "Flapping: up and down five times",
    refuses: "may",
    play: async ({ proxy, wait }) => {
      for (let times = 0; times < 5; times += 1) {
        await proxy.set("refuse");
        await wait(250);
        await proxy.set("up");
        await wait(350);
      }
    },
  },
  {
    name: "kill-database",
    title: "kill -9 the database, then start it again",
    refuses: "may",
    play: async ({ database, wait }) => {
      await database.kill();
      await wait(500);
      await database.restart();
    },
  },
  {
    name: "kill-service",
    title: "kill -9 the service, then start it again",
    refuses: "may",
    play: async ({ service, wait }) => {
      await service.kill();
      await wait(200);
      await service.start();
    },
  },
  {
    name: "kill-service-in-outage",
    title: "kill -9 the service while writes wait in its queue",
    refuses: "may",
    play: async ({ proxy, service, limitMs, wait }) => {
      await proxy.set("refuse");
      await wait(limitMs * 0.4);
      await service.kill();
      await proxy.set("up");
      await service.start();
    },
  },
];
