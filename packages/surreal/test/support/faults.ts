import { setTimeout } from "node:timers/promises";
import type { FaultProxy, SurrealServer } from "@db/testing";
import { ask } from "./admin.ts";
import type { CallName, FaultKind } from "./fault-matrix-expected.ts";

/** What a cell of the matrix plays on. */
export interface Scene {
  readonly call: CallName;
  readonly transport: "ws" | "http";
  readonly server: SurrealServer;
  readonly proxy: FaultProxy;
  /** The key of this cell's record: it names its requests. */
  readonly key: string;
}

interface Script {
  /** What does nothing yet to connections that are open. */
  readonly prepare?: (scene: Scene) => Promise<unknown>;
  readonly begin: (scene: Scene) => Promise<unknown>;
  readonly end: (scene: Scene) => Promise<unknown>;
}

const nothing = async (): Promise<void> => {};
const restarts = new WeakMap<SurrealServer, Promise<void>>();

/** Cuts what is open, with whatever was held on it, and lets dials through. */
async function cut(proxy: FaultProxy): Promise<void> {
  await proxy.set("reset", { on: "existing" });
  await proxy.set("up");
}

function definePassword(server: SurrealServer, password: "another" | "root"): Promise<unknown> {
  const admin = { username: "admin", password: "admin" };
  return ask(server, `DEFINE USER OVERWRITE root ON ROOT PASSWORD '${password}' ROLES OWNER`, {}, admin);
}

const scripts: { readonly [F in FaultKind]: Script } = {
  refused: { begin: ({ proxy }) => proxy.set("refuse"), end: ({ proxy }) => proxy.set("up") },
  "black hole": { begin: ({ proxy }) => proxy.set("black-hole"), end: ({ proxy }) => proxy.set("up") },
  reset: { begin: ({ proxy }) => proxy.set("reset"), end: ({ proxy }) => proxy.set("up") },
  "half-open": {
    begin: ({ proxy }) => proxy.set({ kind: "black-hole", direction: "answers" }),
    // As when a firewall has forgotten what was open: it never comes back.
    end: ({ proxy }) => proxy.set("up", { on: "new" }),
  },
  "drop before reply": {
    begin: ({ server, call, key }) => {
      if (call === "live") return server.fault({ dropSockets: "end" });
      if (call === "connect") return server.fault({ dropBeforeReply: 1 });
      if (call === "commit") return server.fault({ dropBeforeReply: 1, methods: ["commit"] });
      return server.fault({ dropBeforeReply: 1, containing: key });
    },
    end: ({ server }) => server.heal(),
  },
  slow: {
    begin: ({ proxy }) => proxy.set({ kind: "slow", latencyMs: 20, jitterMs: 10 }),
    end: ({ proxy }) => proxy.set("up"),
  },
  "killed -9, restarted": {
    async begin({ server, proxy }) {
      await server.kill();
      await cut(proxy);
      restarts.set(
        server,
        setTimeout(100).then(() => server.restart()),
      );
    },
    end: async ({ server }) => restarts.get(server),
  },
  "version wrong": {
    prepare: ({ server }) => server.fault({ version: "1.5.4" }),
    begin: ({ proxy }) => cut(proxy),
    end: ({ server }) => server.heal(),
  },
  "password wrong": {
    // A new definition of a user ends the tokens of the old one too.
    prepare: ({ server }) => definePassword(server, "another"),
    begin: ({ proxy }) => cut(proxy),
    end: ({ server }) => definePassword(server, "root"),
  },
  "token expired": { begin: ({ server }) => server.fault({ expireSessions: true }), end: nothing },
};

/** These are there before the call; all others strike when it is on its way. */
const BEFORE: readonly FaultKind[] = ["drop before reply", "slow", "token expired"];

export async function beginFault(fault: FaultKind, scene: Scene): Promise<void> {
  const { prepare, begin } = scripts[fault];
  await prepare?.(scene);
  await begin(scene);
}

export function endFault(fault: FaultKind, scene: Scene): Promise<unknown> {
  return scripts[fault].end(scene);
}

/** Makes a fault strike a call that has reached the server and whose answer has not come back. */
export class Strike {
  readonly #fault: FaultKind;
  readonly #scene: Scene;
  readonly #done = Promise.withResolvers<void>();
  #sentBefore = 0;

  constructor(fault: FaultKind, scene: Scene) {
    this.#fault = fault;
    this.#scene = scene;
  }

  /** Right before the call. */
  async arm(): Promise<void> {
    if (BEFORE.includes(this.#fault)) {
      await beginFault(this.#fault, this.#scene);
      return;
    }
    const { proxy } = this.#scene;
    await scripts[this.#fault].prepare?.(this.#scene);
    await proxy.set({ kind: "black-hole", direction: "answers" });
    this.#sentBefore = proxy.stats().bytes.requests;
  }

  /** Right after it was made. A call that has ended before it was sent meets the fault all the same. */
  async fire(call: Promise<unknown>): Promise<void> {
    let hasEnded = false;
    const ended = (): void => {
      hasEnded = true;
    };
    call.then(ended, ended);
    if (!BEFORE.includes(this.#fault)) {
      const { proxy, server } = this.#scene;
      while (proxy.stats().bytes.requests === this.#sentBefore && !hasEnded) await setTimeout(1);
      // One question past the proxy: what was sent before it has been read by the server.
      await server.stats();
      await setTimeout(20);
      await scripts[this.#fault].begin(this.#scene);
    }
    this.#done.resolve();
  }

  /** Resolves once the fault is there. */
  get done(): Promise<void> {
    return this.#done.promise;
  }
}
