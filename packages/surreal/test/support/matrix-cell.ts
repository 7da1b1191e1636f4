import { setTimeout } from "node:timers/promises";
import { createDatabase, type DatabaseService } from "@db/core";
import { type SurrealOptions, surreal } from "@db/surreal";
import { ask, PLACE, ROOT, tokenOf } from "./admin.ts";
import {
  CALL_MS,
  type CallName,
  type FaultKind,
  HARMLESS,
  PERMANENT,
  SILENT,
  UNREACHABLE,
} from "./fault-matrix-expected.ts";
import { beginFault, endFault, type Scene, Strike } from "./faults.ts";
import { LiveWatcher } from "./live-watcher.ts";
import { settle } from "./settled.ts";

export interface CellResult {
  readonly call: CallName;
  readonly fault: FaultKind;
  readonly underWay: string;
  readonly meanwhile: string;
  readonly after: string;
  /** The slowest of its calls. */
  readonly longestMs: number;
  /** From the end of the fault to the first call that succeeds. */
  readonly recoveredMs: number;
  /** What contradicts the promises although the codes may be right. */
  readonly broken: readonly string[];
}

/** What is waited for comes; how soon is told and not judged, for a machine may halt for seconds. */
const LIMITS = { recoveryMs: 10_000, permanentRecoveryMs: 15_000, quietConnectMs: 15_000, closeMs: 4_000 };
/** A connect that must fail takes all of it; one that ends otherwise may meet a server that starts, or halts. */
const startupMs = (fault: FaultKind): number => (UNREACHABLE.includes(fault) ? 1_200 : 6_000);
const DRIVER = { ...PLACE, unavailableAfterMs: 600 } satisfies Partial<SurrealOptions>;
/** For silence alone: a server that halts for so long would lose its connections, and rightly. */
const WATCHFUL = {
  connectTimeoutMs: 800,
  heartbeatIntervalMs: 250,
  heartbeatTimeoutMs: 250,
} satisfies Partial<SurrealOptions>;

type Work = (db: DatabaseService, id: string, strike?: Strike) => Promise<unknown>;

/** The calls that end with an answer. Without a strike they are made plainly. */
const works: { readonly [call in "read" | "write" | "transaction" | "commit"]: Work } = {
  read: (db, id, strike) => struck(strike, () => db.read(id)),
  write: (db, id, strike) => struck(strike, () => db.update(id, { n: 1 }, { mode: "increment" })),
  transaction: (db, id, strike) =>
    db.transaction(async (tx) => {
      await tx.update(id, { n: 1 }, { mode: "increment" });
      await struck(strike, () => tx.update(id, { m: 1 }));
    }),
  commit: async (db, id, strike) => {
    const armed = Promise.withResolvers<void>();
    const call = db.transaction(async (tx) => {
      await tx.update(id, { n: 1 }, { mode: "increment" });
      await strike?.arm();
      armed.resolve();
    });
    call.catch(() => armed.resolve());
    await armed.promise;
    await strike?.fire(call);
    return call;
  },
};

async function struck<T>(strike: Strike | undefined, call: () => Promise<T>): Promise<T> {
  await strike?.arm();
  const called = call();
  await strike?.fire(called);
  return called;
}

/** Plays one cell and keeps what it saw. */
export class MatrixCell {
  readonly #scene: Scene;
  readonly #fault: FaultKind;
  readonly #broken: string[] = [];
  readonly #id: string;
  readonly #url: string;
  readonly #open: DatabaseService[] = [];
  #longestMs = 0;
  #acknowledged = 0;
  #unknown = 0;

  constructor(scene: Scene, fault: FaultKind) {
    this.#scene = scene;
    this.#fault = fault;
    this.#id = `cells:${scene.key}`;
    const { server, transport } = scene;
    this.#url = scene.proxy.url(transport === "ws" ? server.url : server.httpUrl);
  }

  /** Plays it to its end, whatever comes. */
  async play(): Promise<CellResult> {
    const { call, key, server } = this.#scene;
    await ask(server, "UPSERT type::record('cells', $key) SET n = 0", { key });
    try {
      if (call === "connect") return await this.#connect();
      if (call === "live") return await this.#live();
      if (call === "close") return await this.#close();
      return await this.#answer(works[call]);
    } catch (error) {
      this.#broken.push(`the cell itself failed: ${error}`);
      await endFault(this.#fault, this.#scene);
      return this.#finish("–", "–", "–", 0);
    }
  }

  async #connect(): Promise<CellResult> {
    const { proxy } = this.#scene;
    const limits = { timeoutMs: startupMs(this.#fault) };
    const isExpired = this.#fault === "token expired";
    const db = this.#service(isExpired ? await this.#expiredToken() : ROOT);
    if (!isExpired) await beginFault(this.#fault, this.#scene);
    const underWay = await this.#see(db.connect(limits), limits.timeoutMs);
    const { dials } = proxy.stats();
    if (/^(?:UNSUPPORTED_VERSION|AUTHENTICATION_FAILED)/.test(underWay) && dials !== 1)
      this.#broken.push(`a permanent error after ${dials} dials`);
    await endFault(this.#fault, this.#scene);
    const start = performance.now();
    const again = isExpired ? this.#service(ROOT) : db;
    const after = await this.#see(again.connect(), LIMITS.recoveryMs);
    return this.#finish(underWay, "–", after, performance.now() - start);
  }

  async #answer(work: Work): Promise<CellResult> {
    const db = await this.#connected();
    const strike = new Strike(this.#fault, this.#scene);
    const underWay = await this.#see(work(db, this.#id, strike), CALL_MS);
    const meanwhile = await this.#see(work(db, this.#id), CALL_MS);
    const { after, recoveredMs } = await this.#recover(db);
    return this.#finish(underWay, meanwhile, after, recoveredMs);
  }

  async #live(): Promise<CellResult> {
    const { server, key } = this.#scene;
    const db = await this.#connected();
    const watcher = new LiveWatcher(db, "cells", this.#id);
    if (!(await watcher.until("resync started", LIMITS.recoveryMs))) this.#broken.push("it never began");
    watcher.forget();
    await beginFault(this.#fault, this.#scene);
    const ending = await this.#noticed(db, watcher);
    await endFault(this.#fault, this.#scene);
    const start = performance.now();
    if (ending !== undefined) {
      const underWay = ending === "ended" ? ending : await this.#see(Promise.reject(ending.error), 0);
      const { after } = await this.#recover(db);
      return this.#finish(underWay, "–", after, performance.now() - start);
    }
    const isSpared = HARMLESS.includes(this.#fault);
    const isResynced = isSpared ? watcher.has("resync lost") : await watcher.until("resync lost", LIMITS.recoveryMs);
    const recoveredMs = performance.now() - start;
    await ask(server, "UPDATE type::record('cells', $key) SET n += 1", { key });
    const after = (await watcher.until("update", LIMITS.recoveryMs)) ? "ok" : "no event";
    watcher.stop();
    if ((await watcher.ending(LIMITS.recoveryMs)) === undefined) this.#broken.push("it did not end");
    return this.#finish(isResynced ? "resync" : "no gap", "–", after, recoveredMs);
  }

  async #close(): Promise<CellResult> {
    const db = await this.#connected();
    const strike = new Strike(this.#fault, this.#scene);
    const call = works.write(db, this.#id, strike);
    const settling = this.#see(call, CALL_MS);
    await strike.done;
    const closing = settle(db.disconnect({ drainMs: 100 }), LIMITS.closeMs);
    const underWay = await settling;
    const { outcome, ms } = await closing;
    this.#longestMs = Math.max(this.#longestMs, ms);
    const after = await this.#see(db.read(this.#id), CALL_MS);
    await endFault(this.#fault, this.#scene);
    return this.#finish(underWay, outcome === "ok" ? "closed" : outcome, after, 0);
  }

  /** The fault goes on until it has been met. Answers what has ended the live query, if anything did. */
  async #noticed(db: DatabaseService, watcher: LiveWatcher): ReturnType<LiveWatcher["ending"]> {
    if (PERMANENT.includes(this.#fault)) return watcher.ending(LIMITS.recoveryMs);
    const deadline = performance.now() + (HARMLESS.includes(this.#fault) ? 1_200 : LIMITS.recoveryMs);
    const isMet = (): boolean => db.state.name === "failed" || watcher.has("resync lost");
    let ending = await watcher.ending(0);
    while (ending === undefined && !isMet() && performance.now() < deadline) ending = await watcher.ending(10);
    return ending;
  }

  async #see(call: Promise<unknown>, limitMs: number): Promise<string> {
    const settled = await settle(call, limitMs + 1_000);
    this.#longestMs = Math.max(this.#longestMs, settled.ms);
    this.#broken.push(...settled.broken);
    if (settled.outcome === "ok") this.#acknowledged += 1;
    if (settled.outcome.endsWith("/unknown")) this.#unknown += 1;
    return settled.outcome;
  }

  /** Tries until it works: in an outage of some length calls are refused at once. */
  async #recover(db: DatabaseService): Promise<{ readonly after: string; readonly recoveredMs: number }> {
    await endFault(this.#fault, this.#scene);
    const isPermanent = PERMANENT.includes(this.#fault);
    if (isPermanent && this.#scene.call !== "read") return { after: "–", recoveredMs: 0 };
    const limitMs = isPermanent ? LIMITS.permanentRecoveryMs : LIMITS.recoveryMs;
    const start = performance.now();
    for (;;) {
      const { outcome, broken } = await settle(db.read(this.#id), CALL_MS + 1_000);
      this.#broken.push(...broken);
      const recoveredMs = performance.now() - start;
      if (outcome === "ok" || recoveredMs > limitMs) return { after: outcome, recoveredMs };
      await setTimeout(20);
    }
  }

  #service(authentication: NonNullable<SurrealOptions["authentication"]>): DatabaseService {
    const watchful = SILENT.includes(this.#fault) ? WATCHFUL : {};
    const driver = surreal({ url: this.#url, ...DRIVER, ...watchful, authentication });
    const db = createDatabase({ driver, timeoutMs: CALL_MS });
    this.#open.push(db);
    return db;
  }

  async #connected(): Promise<DatabaseService> {
    const db = this.#service(ROOT);
    await db.connect({ timeoutMs: LIMITS.quietConnectMs });
    await db.read(this.#id, { timeoutMs: LIMITS.quietConnectMs });
    return db;
  }

  async #finish(underWay: string, meanwhile: string, after: string, recoveredMs: number): Promise<CellResult> {
    const { call, key, server } = this.#scene;
    for (const db of this.#open) {
      const closing = await settle(db.disconnect({ drainMs: 100 }), LIMITS.closeMs);
      if (closing.outcome !== "ok") this.#broken.push(`disconnect: ${closing.outcome}`);
    }
    if (call === "write" || call === "transaction" || call === "commit" || call === "close") {
      const [n] = await ask<[number]>(server, "RETURN type::record('cells', $key).n", { key });
      if (n < this.#acknowledged || n > this.#acknowledged + this.#unknown)
        this.#broken.push(`${this.#acknowledged} acknowledged, ${this.#unknown} unknown, ${n} carried out`);
    }
    return {
      call,
      fault: this.#fault,
      underWay,
      meanwhile,
      after,
      longestMs: this.#longestMs,
      recoveredMs: Math.round(recoveredMs),
      broken: this.#broken,
    };
  }

  async #expiredToken(): Promise<string> {
    const { server } = this.#scene;
    await server.fault({ tokenTtlMs: 1_000 });
    const token = await tokenOf(server);
    await setTimeout(2_100);
    return token;
  }
}
