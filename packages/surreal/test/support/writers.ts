import { setTimeout } from "node:timers/promises";
import { type DatabaseService, isDatabaseError } from "@db/core";
import type { SurrealServer } from "@db/testing";
import { ask } from "./admin.ts";
import { Halts } from "./halts.ts";
import { within } from "./settled.ts";

/** What writers were told, compared with what is there. */
export interface Judgement {
  readonly writes: number;
  readonly acknowledged: number;
  readonly unknown: number;
  /** Of those of unknown outcome, how many turned out to be there. */
  readonly unknownApplied: number;
  readonly refused: number;
  /** How often each code came. */
  readonly codes: { readonly [code: string]: number };
  /** Of a call, without the time in which this process stood still. */
  readonly longestMs: number;
  /** What breaks a promise, one sentence each. */
  readonly broken: readonly string[];
}

const WRITERS = 16;
/** Between two writes of a writer: the load is to be steady, the database small. */
const PAUSE_MS = 5;
/** Of what a refusal says about when to come again, so much is heeded. */
const MAX_WAIT_MS = 200;

interface Found {
  readonly orders: readonly string[];
  readonly doubles: readonly string[];
  readonly counters: readonly { readonly key: string; readonly n: number }[];
}

type Fate = "pending" | "acknowledged" | "unknown" | "none";

/** How a write is sent. None names its row, so that one that is carried out twice shows as two. */
type Way = (db: DatabaseService, operation: string) => Promise<unknown>;

const CREATE = "CREATE orders SET operation = $operation RETURN NONE";
const ways: readonly Way[] = [
  (db, operation) => db.query(CREATE, { operation }),
  (db, operation) => db.create("orders", { operation }),
  (db, operation) =>
    db.transaction(async (tx) => {
      await tx.query(CREATE, { operation });
      await tx.query("CREATE doubles SET operation = $operation RETURN NONE", { operation });
    }),
  (db, operation) => db.update(`counters:${operation.split("-")[0]}`, { n: 1 }, { mode: "increment" }),
];
const TRANSACTION = 2;
const INCREMENT = 3;

/** What the writers write to. */
export async function prepare(server: SurrealServer): Promise<void> {
  const counters = Array.from({ length: WRITERS }, (_, writer) => ({ id: String(writer), n: 0 }));
  await ask(server, "DEFINE TABLE orders; DEFINE TABLE doubles; DEFINE TABLE probes; INSERT INTO counters $counters", {
    counters,
  });
}

/** Sixteen writers, each with one write at a time, who keep what they are told of it. */
export class Writers {
  readonly broken: string[] = [];
  readonly #db: DatabaseService;
  readonly #fates = new Map<string, Fate>();
  readonly #loops: Promise<unknown>;
  #stopped = false;
  readonly #codes: { [code: string]: number } = {};
  #longestMs = 0;
  readonly #halts = new Halts();
  #acknowledged = Promise.withResolvers<true>();

  constructor(db: DatabaseService) {
    this.#db = db;
    this.#loops = Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#write(writer)));
  }

  /** The next one. */
  acknowledgement(): Promise<true> {
    this.#acknowledged = Promise.withResolvers<true>();
    return this.#acknowledged.promise;
  }

  /** Longer than any call may take. */
  async end(): Promise<void> {
    this.#stopped = true;
    await within(15_000, this.#loops);
    this.#halts[Symbol.dispose]();
    for (const [operation, fate] of this.#fates) {
      if (fate === "pending") this.broken.push(`the write ${operation} did not end`);
    }
  }

  async judge(server: SurrealServer): Promise<Judgement> {
    // In one statement, which sees one moment: a commit of unknown outcome may still be on its way.
    const [{ orders, doubles, counters }] = await ask<[Found]>(
      server,
      `RETURN {
        orders: (SELECT VALUE operation FROM orders),
        doubles: (SELECT VALUE operation FROM doubles),
        counters: (SELECT record::id(id) AS key, n FROM counters),
      }`,
    );
    const [times, timesDoubled] = [count(orders), count(doubles)];
    const fates = [...this.#fates];
    let unknownApplied = 0;
    for (const [operation, fate] of fates) {
      if (wayOf(operation) === INCREMENT) continue;
      const there = times.get(operation) ?? 0;
      if (fate === "unknown") unknownApplied += there;
      if (fate === "acknowledged" && there !== 1)
        this.broken.push(`${operation} was acknowledged and is there ${there} times`);
      if (fate === "unknown" && there > 1)
        this.broken.push(`${operation}, of unknown outcome, is there ${there} times`);
      if (fate === "none" && there > 0) this.broken.push(`${operation} was refused without effect and is there`);
      if (wayOf(operation) === TRANSACTION && there !== (timesDoubled.get(operation) ?? 0))
        this.broken.push(`${operation} is there by half`);
    }
    for (const { key, n } of counters) {
      const mine = fates.filter(([operation]) => operation.startsWith(`${key}-`) && wayOf(operation) === INCREMENT);
      const of = (fate: Fate): number => mine.filter(([, one]) => one === fate).length;
      unknownApplied += n - of("acknowledged");
      if (n < of("acknowledged") || n > of("acknowledged") + of("unknown"))
        this.broken.push(
          `counter ${key}: ${of("acknowledged")} acknowledged, ${of("unknown")} unknown, ${n} carried out`,
        );
    }
    const total = (fate: Fate): number => fates.filter(([, one]) => one === fate).length;
    return {
      writes: fates.length,
      acknowledged: total("acknowledged"),
      unknown: total("unknown"),
      unknownApplied,
      refused: total("none"),
      codes: this.#codes,
      longestMs: this.#longestMs,
      broken: this.broken,
    };
  }

  async #write(writer: number): Promise<void> {
    for (let turn = 0; !this.#stopped; turn += 1) {
      const operation = `${writer}-${turn}`;
      this.#fates.set(operation, "pending");
      const start = this.#now();
      try {
        await ways[wayOf(operation)]?.(this.#db, operation);
        this.#time(start);
        this.#fates.set(operation, "acknowledged");
        this.#acknowledged.resolve(true);
      } catch (error) {
        this.#time(start);
        if (!isDatabaseError(error)) this.broken.push(`${operation}: an error that is not ours: ${error}`);
        else {
          this.#fates.set(operation, error.effect);
          this.#codes[error.code] = (this.#codes[error.code] ?? 0) + 1;
          if (error.code === "SERVICE_UNAVAILABLE") await setTimeout(Math.min(error.facts.retryAfterMs, MAX_WAIT_MS));
        }
      }
      await setTimeout(PAUSE_MS);
    }
  }

  #time(start: number): void {
    this.#longestMs = Math.max(this.#longestMs, Math.round(this.#now() - start));
  }

  /** By a clock that stands still when this process does. */
  #now(): number {
    return performance.now() - this.#halts.totalMs;
  }
}

function wayOf(operation: string): number {
  return Number(operation.split("-")[1]) % ways.length;
}

function count(operations: readonly string[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const operation of operations) times.set(operation, (times.get(operation) ?? 0) + 1);
  return times;
}
