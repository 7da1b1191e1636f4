import { setTimeout } from "node:timers/promises";
import { createDatabase, type DatabaseService } from "@db/core";
import { type SurrealOptions, surreal } from "@db/surreal";
import { Surreal } from "surrealdb";
import { ask, PLACE, ROOT } from "./admin.ts";
import { type CallName, type FaultKind, PERMANENT } from "./fault-matrix-expected.ts";
import { beginFault, endFault, type Scene, Strike } from "./faults.ts";
import { settle, within } from "./settled.ts";

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

const LIMITS = { callMs: 1_500, recoveryMs: 2_500, permanentRecoveryMs: 7_000, closeMs: 4_000 };
/** A server needs a moment to start. */
const startupMs = (fault: FaultKind): number => (fault === "killed -9, restarted" ? 6_000 : 1_200);
const DRIVER = {
  ...PLACE,
  connectTimeoutMs: 800,
  heartbeatIntervalMs: 250,
  heartbeatTimeoutMs: 250,
  unavailableAfterMs: 600,
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
    await strike?.fire();
    return call;
  },
};

async function struck<T>(strike: Strike | undefined, call: () => Promise<T>): Promise<T> {
  await strike?.arm();
  const called = call();
  // Told of by the caller of this function, at the latest when the fault is there.
  called.catch(() => {});
  await strike?.fire();
  return called;
}

function open(url: string, fault: FaultKind): DatabaseService {
  const driver = surreal({ url, ...DRIVER, authentication: ROOT });
  return createDatabase({ driver, timeoutMs: LIMITS.callMs, startupMaxWaitMs: startupMs(fault) });
}

/** Plays one cell and keeps what it saw. */
export class MatrixCell {
  readonly #scene: Scene;
  readonly #fault: FaultKind;
  readonly #broken: string[] = [];
  readonly #id: string;
  readonly #url: string;
  #longestMs = 0;
  #acknowledged = 0;
  #unknown = 0;

  constructor(scene: Scene, fault: FaultKind) {
    this.#scene = scene;
    this.#fault = fault;
    this.#id = `cells:${scene.key}`;
    this.#url = scene.proxy.url(scene.server.url);
  }

  /** Plays it to its end. */
  async play(): Promise<CellResult> {
    const { call, key, server } = this.#scene;
    await ask(server, "UPSERT type::record('cells', $key) SET n = 0", { key });
    if (call === "connect") return this.#connect();
    if (call === "live") return this.#live();
    if (call === "close") return this.#close();
    return this.#answer(works[call]);
  }

  async #connect(): Promise<CellResult> {
    const { proxy } = this.#scene;
    const db = open(this.#url, this.#fault);
    const expired = this.#fault === "token expired" ? await this.#expiredToken() : undefined;
    const driver = surreal({ url: this.#url, ...DRIVER, authentication: expired ?? ROOT });
    const other = expired === undefined ? db : createDatabase({ driver, startupMaxWaitMs: startupMs(this.#fault) });
    if (expired === undefined) await beginFault(this.#fault, this.#scene);
    const underWay = await this.#see(other.connect(), startupMs(this.#fault));
    const { dials } = proxy.stats();
    if (/^(?:UNSUPPORTED_VERSION|AUTHENTICATION_FAILED)/.test(underWay) && dials !== 1)
      this.#broken.push(`a permanent error after ${dials} dials`);
    await endFault(this.#fault, this.#scene);
    const start = performance.now();
    const after = await this.#see(db.connect(), LIMITS.recoveryMs);
    return this.#finish([db, other], underWay, "–", after, performance.now() - start);
  }

  async #answer(work: Work): Promise<CellResult> {
    const db = open(this.#url, this.#fault);
    await db.connect();
    await db.read(this.#id);
    const strike = new Strike(this.#fault, this.#scene);
    const underWay = await this.#see(work(db, this.#id, strike), LIMITS.callMs);
    const meanwhile = await this.#see(work(db, this.#id), LIMITS.callMs);
    const { after, recoveredMs } = await this.#recover(db);
    return this.#finish([db], underWay, meanwhile, after, recoveredMs);
  }

  async #live(): Promise<CellResult> {
    const { server, key } = this.#scene;
    const db = open(this.#url, this.#fault);
    await db.connect();
    const stop = new AbortController();
    const seen: string[] = [];
    let heard = (): void => {};
    const ended = (async () => {
      for await (const event of db.live("cells", { signal: stop.signal })) {
        const { action, id = "", reason = "" } = event as { action: string; id?: string; reason?: string };
        if (action === "resync" || id === this.#id) seen.push(`${action}${reason}`);
        heard();
      }
    })();
    ended.catch(() => heard());
    const until = async (what: string): Promise<boolean> => {
      const deadline = performance.now() + LIMITS.recoveryMs;
      while (!seen.includes(what) && performance.now() < deadline) {
        const change = new Promise<void>((resolve) => {
          heard = resolve;
        });
        await within(deadline - performance.now(), change);
      }
      return seen.includes(what);
    };
    const touch = (): Promise<unknown> => ask(server, "UPDATE type::record('cells', $key) SET n += 1", { key });
    if (!(await until("resyncstarted"))) this.#broken.push("it never began");
    seen.length = 0;
    await beginFault(this.#fault, this.#scene);
    // Long enough for a heartbeat to miss its answer and for a dial to be told why.
    const failure = await within(
      1_200,
      ended.then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
    );
    await endFault(this.#fault, this.#scene);
    const start = performance.now();
    if (failure !== undefined) {
      const underWay = await this.#see(Promise.reject(failure.error), 0);
      const { after } = await this.#recover(db);
      return this.#finish([db], underWay, "–", after, performance.now() - start);
    }
    const isHarmless = this.#fault === "slow" || this.#fault === "token expired";
    const isResynced = isHarmless ? seen.includes("resynclost") : await until("resynclost");
    const recoveredMs = performance.now() - start;
    await touch();
    const after = (await until("update")) ? "ok" : "no event";
    stop.abort();
    if (
      (await within(
        1_000,
        ended.then(
          () => true,
          () => true,
        ),
      )) === undefined
    )
      this.#broken.push("it did not end");
    return this.#finish([db], isResynced ? "resync" : "no gap", "–", after, recoveredMs);
  }

  async #close(): Promise<CellResult> {
    const db = open(this.#url, this.#fault);
    await db.connect();
    await db.read(this.#id);
    const strike = new Strike(this.#fault, this.#scene);
    const call = works.write(db, this.#id, strike);
    const settling = this.#see(call, LIMITS.callMs);
    await within(300, settling);
    const closing = settle(db.disconnect({ drainMs: 100 }), LIMITS.closeMs);
    const underWay = await settling;
    const { outcome, ms } = await closing;
    this.#longestMs = Math.max(this.#longestMs, ms);
    const after = await this.#see(db.read(this.#id), LIMITS.callMs);
    await endFault(this.#fault, this.#scene);
    return this.#finish([], underWay, outcome === "ok" ? "closed" : outcome, after, 0);
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
      const { outcome, broken } = await settle(db.read(this.#id), LIMITS.callMs + 1_000);
      this.#broken.push(...broken);
      const recoveredMs = performance.now() - start;
      if (outcome === "ok" || recoveredMs > limitMs) return { after: outcome, recoveredMs };
      await setTimeout(20);
    }
  }

  async #finish(
    dbs: readonly DatabaseService[],
    underWay: string,
    meanwhile: string,
    after: string,
    recoveredMs: number,
  ): Promise<CellResult> {
    const { call, key, server } = this.#scene;
    for (const db of dbs) {
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
    const client = new Surreal();
    await client.connect(server.url, { reconnect: false });
    const { access } = await client.signin(ROOT);
    await client.close();
    await setTimeout(2_100);
    return access;
  }
}
