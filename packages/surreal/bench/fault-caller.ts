// A process of callers: connects, calls until it is told to stop, and tells its parent how each call ended.
import { setTimeout } from "node:timers/promises";
import { type ClientName, clients, type FaultClient } from "./fault-clients.ts";

/** What a caller process tells. Times are `Date.now()`, the clock that both processes share. */
export type Told =
  | { readonly told: "connected" }
  | { readonly told: "refused"; readonly error: string }
  | { readonly told: "begun"; readonly call: CallFacts }
  | { readonly told: "ended"; readonly id: number; readonly at: number; readonly error?: string }
  | { readonly told: "unhandled"; readonly error: string }
  | { readonly told: "stopped" };

export interface CallFacts {
  readonly id: number;
  readonly kind: "create" | "increment" | "read";
  readonly caller: number;
  readonly operation: string;
  readonly at: number;
}

/** Between two calls of a caller: the machine must not be what is slow. */
const PAUSE_MS = 10;
const KINDS = ["create", "increment", "read"] as const;

const [name = "", url = "", callers = ""] = process.argv.slice(2);
let stopped = false;
let calls = 0;

const tell = (told: Told): void => {
  process.send?.(told);
};

// The parent counts what would have ended a program that has no such listener: Node's default.
process.on("unhandledRejection", (error) => tell({ told: "unhandled", error: shown(error) }));
process.on("message", (message) => {
  if (message === "stop") stopped = true;
});

const client = clients[name as ClientName](url);
try {
  await client.connect();
  tell({ told: "connected" });
  await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => run(client, caller)));
  tell({ told: "stopped" });
} catch (error) {
  tell({ told: "refused", error: shown(error) });
}

async function run(db: FaultClient, caller: number): Promise<void> {
  for (let turn = caller; !stopped; turn += 1) {
    const kind = KINDS[turn % KINDS.length] ?? "read";
    const id = calls;
    calls += 1;
    const operation = `${caller}-${id}`;
    tell({ told: "begun", call: { id, kind, caller, operation, at: Date.now() } });
    try {
      await (kind === "create" ? db.create(operation) : db[kind](caller));
      tell({ told: "ended", id, at: Date.now() });
    } catch (error) {
      tell({ told: "ended", id, at: Date.now(), error: shown(error) });
    }
    await setTimeout(PAUSE_MS);
  }
}

function shown(error: unknown): string {
  const { name: kind, code, message } = error as { readonly [key: string]: unknown };
  return `${typeof code === "string" ? code : kind}: ${String(message).slice(0, 100)}`;
}
