import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { FaultProxy, type SurrealServer, startSurreal } from "@db/testing";
import { Surreal } from "surrealdb";
import type { CallFacts, Told } from "./fault-caller.ts";
import { type ClientName, PLACE, ROOT } from "./fault-clients.ts";
import type { FaultScript, Scene } from "./fault-scripts.ts";

const CALLERS = 16;
const HEALTHY_MS = 1_000;
/** A call that has not ended so long after everything is well again hangs. Longer than our default deadline of 30 s. */
const PATIENCE_MS = 35_000;
const CALLER = fileURLToPath(new URL("fault-caller.ts", import.meta.url));

/** What became of one client under one fault. */
export interface FaultResult {
  readonly fault: string;
  readonly client: ClientName;
  readonly calls: number;
  readonly failed: number;
  /** `connect()`, too, is a call. */
  readonly hanging: number;
  readonly lost: number;
  readonly twice: number;
  readonly unhandled: number;
  /** From the end of the fault to the first success of a call that began after it; undefined: none did. */
  readonly recoveredMs: number | undefined;
  readonly longestMs: number;
  readonly errors: { readonly [error: string]: number };
}

/** Runs a client through a fault, in a process of its own, and counts in the database what it did. */
export async function runFault(client: ClientName, script: FaultScript): Promise<FaultResult> {
  await using server = await startSurreal({ engine: "rocksdb", startTimeoutMs: 60_000 });
  await using proxy = await FaultProxy.start({ target: server });
  await prepare(server);
  const scene: Scene = { server, proxy };
  await script.before?.(scene);
  const callers = new Callers(client, proxy.url(server.url));
  try {
    if (script.before === undefined) {
      await callers.connected();
      await setTimeout(HEALTHY_MS);
    }
    await script.play(scene);
    const wellAt = Date.now();
    await Promise.race([callers.success(wellAt), setTimeout(PATIENCE_MS, undefined, { ref: false })]);
    await setTimeout(HEALTHY_MS);
    callers.stop();
    await callers.ended(wellAt + PATIENCE_MS);
    return callers.judge(script.name, wellAt, await lookUp(server));
  } finally {
    await callers.kill();
  }
}

/** What is in the database: how often each create was carried out, and every caller's counter. */
interface Truth {
  readonly created: ReadonlyMap<string, number>;
  readonly counters: ReadonlyMap<number, number>;
}

class Callers {
  readonly #client: ClientName;
  readonly #child: ChildProcess;
  readonly #open = new Map<number, CallFacts>();
  readonly #calls: (CallFacts & { readonly endedAt: number; readonly error: string | undefined })[] = [];
  readonly #connected = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #success = Promise.withResolvers<void>();
  #wellAt = Number.POSITIVE_INFINITY;
  #hasConnected = false;
  #refused: string | undefined;
  #unhandled = 0;

  constructor(client: ClientName, url: string) {
    this.#client = client;
    this.#child = fork(CALLER, [client, url, String(CALLERS)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#child.on("message", (told) => this.#hear(told as Told));
    this.#child.once("exit", () => {
      for (const awaited of [this.#connected, this.#success, this.#ended]) awaited.resolve();
    });
  }

  /** Or refused, or dead. */
  connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** The first of a call that began after that; or there will be none. */
  success(after: number): Promise<void> {
    this.#wellAt = after;
    return this.#success.promise;
  }

  stop(): void {
    if (this.#child.connected) this.#child.send("stop");
  }

  async ended(deadline: number): Promise<void> {
    await Promise.race([
      this.#ended.promise,
      setTimeout(Math.max(1, deadline - Date.now()), undefined, { ref: false }),
    ]);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }

  judge(fault: string, wellAt: number, truth: Truth): FaultResult {
    const failures = this.#calls.filter(({ error }) => error !== undefined);
    const recovered = this.#calls.filter(({ error, at }) => error === undefined && at >= wellAt);
    const errors: { [error: string]: number } = {};
    const all = this.#refused === undefined ? failures : [...failures, { error: this.#refused }];
    for (const { error = "" } of all) errors[error] = (errors[error] ?? 0) + 1;
    return {
      fault,
      client: this.#client,
      calls: this.#calls.length + this.#open.size + 1,
      failed: all.length,
      hanging: this.#open.size + (this.#hasConnected || this.#refused !== undefined ? 0 : 1),
      ...this.#compare(truth),
      unhandled: this.#unhandled,
      recoveredMs: recovered.length === 0 ? undefined : Math.min(...recovered.map(({ endedAt }) => endedAt)) - wellAt,
      longestMs: Math.max(0, ...this.#calls.map(({ at, endedAt }) => endedAt - at)),
      errors,
    };
  }

  /** An increment that failed or hangs may have been carried out, so these two are the least that was lost or doubled. */
  #compare({ created, counters }: Truth): { readonly lost: number; readonly twice: number } {
    const acknowledged = this.#calls.filter(({ error }) => error === undefined);
    const creates = acknowledged.filter(({ kind }) => kind === "create");
    let lost = creates.filter(({ operation }) => !created.has(operation)).length;
    let twice = [...created.values()].filter((times) => times > 1).length;
    for (const [caller, n] of counters) {
      const mine = ({ caller: of, kind }: CallFacts): boolean => of === caller && kind === "increment";
      const sure = acknowledged.filter(mine).length;
      const begun = this.#calls.filter(mine).length + [...this.#open.values()].filter(mine).length;
      lost += Math.max(0, sure - n);
      twice += Math.max(0, n - begun);
    }
    return { lost, twice };
  }

  #hear(told: Told): void {
    if (told.told === "begun") this.#open.set(told.call.id, told.call);
    else if (told.told === "ended") {
      const call = this.#open.get(told.id);
      if (call === undefined) throw new Error(`expected a call ${told.id} to be open, it was not`);
      this.#open.delete(told.id);
      this.#calls.push({ ...call, endedAt: told.at, error: told.error });
      if (told.error === undefined && call.at >= this.#wellAt) this.#success.resolve();
    } else if (told.told === "unhandled") this.#unhandled += 1;
    else if (told.told === "stopped") this.#ended.resolve();
    else {
      this.#hasConnected = told.told === "connected";
      this.#refused = told.told === "refused" ? told.error : undefined;
      this.#connected.resolve();
      if (told.told === "refused") for (const awaited of [this.#success, this.#ended]) awaited.resolve();
    }
  }
}

/** Schema and counters are there before the client comes: it has nothing to do but its calls. */
async function prepare(server: SurrealServer): Promise<void> {
  await query(server, "DEFINE TABLE orders; DEFINE TABLE counters;", {});
  const counters = Array.from({ length: CALLERS }, (_, caller) => ({ id: `c${caller}`, n: 0 }));
  await query(server, "INSERT INTO counters $counters", { counters });
}

async function lookUp(server: SurrealServer): Promise<Truth> {
  const [orders] = await query(server, "SELECT operation, count() AS times FROM orders GROUP BY operation", {});
  const [counters] = await query(server, "SELECT record::id(id) AS key, n FROM counters", {});
  return {
    created: new Map(
      (orders as { operation: string; times: number }[]).map(({ operation, times }) => [operation, times]),
    ),
    counters: new Map((counters as { key: string; n: number }[]).map(({ key, n }) => [Number(key.slice(1)), n])),
  };
}

/** On a connection of its own, past the proxy. */
async function query(
  server: SurrealServer,
  text: string,
  values: { readonly [name: string]: unknown },
): Promise<unknown[]> {
  const db = new Surreal();
  await db.connect(server.url, { ...PLACE, authentication: ROOT, reconnect: false });
  try {
    return await db.query(text, { ...values });
  } finally {
    await db.close();
  }
}
