import {
  type CallContext,
  createDatabase,
  DatabaseErrorOf,
  type DatabaseService,
  equalValues,
  type Fields,
  type Row,
  rowAfter,
  type WriteResult,
} from "@db/core";
import { MockDatabase } from "@db/testing";
import fc from "fast-check";
import { expect } from "vitest";
import { cbor } from "../../src/cbor.ts";
import { json, MemoryStore, type QueueStore, type StoreBatch, WriteQueue } from "../../src/index.ts";
import { messagepack } from "../../src/messagepack.ts";
import type { OpenedStore } from "../../src/store.ts";
import { type StoredWrite, toOperation } from "../../src/stored-write.ts";
import { v8 } from "../../src/v8.ts";

const RECORDS = ["counters:a", "counters:b", "counters:c"] as const;

const CODECS = [json, messagepack, cbor, v8];

/** One acknowledged write, as an array of them is the whole model. */
interface Accepted {
  readonly operationId: string;
  readonly write: StoredWrite;
  readonly seq: number;
  discarded: boolean;
}

/** All that was acknowledged, in order, and nothing else. */
export interface Model {
  readonly accepted: Accepted[];
  /** Whose acknowledgement never came: each may or may not be there. */
  readonly perhaps: Set<string>;
  next: number;
}

/** A store whose process can die: what is not committed by then is gone. */
class CrashStore implements QueueStore {
  readonly durability = "memory";
  readonly disk: MemoryStore;
  isFull = false;
  isDead = false;
  /** How many turns of the event loop a commit takes. */
  slowness = 0;

  constructor(disk: MemoryStore) {
    this.disk = disk;
  }

  open(): Promise<OpenedStore> {
    return this.disk.open();
  }

  async commit(batch: StoreBatch): Promise<void> {
    await turns(this.slowness);
    if (this.isDead) return new Promise(() => {});
    if (this.isFull) throw new DatabaseErrorOf("QUEUE_FULL", "no space", {});
    await this.disk.commit(batch);
  }

  async read(seqs: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.isDead ? new Promise(() => {}) : this.disk.read(seqs);
  }

  async tidy(): Promise<void> {}
  async close(): Promise<void> {}
}

/** The real thing: a queue that crashes and opens again over a database that comes and goes. */
export class Subject {
  readonly driver = new MockDatabase();
  readonly #disk = new MemoryStore();
  #store = new CrashStore(this.#disk);
  #process = { isDead: false };
  queue!: WriteQueue;
  db!: DatabaseService;
  away = false;
  /** Each process writes with another codec than the one before. */
  #opened = 0;
  readonly refusals: Error[] = [];

  async open(): Promise<void> {
    this.#store = new CrashStore(this.#disk);
    this.queue = await WriteQueue.open({
      store: this.#store,
      minBackoffMs: 1,
      maxBackoffMs: 2,
      maxAttempts: 3,
      concurrency: 3,
      attemptTimeoutMs: 1_000,
      acceptWhileUnavailable: true,
      codec: CODECS[this.#opened % CODECS.length] ?? json,
      codecs: CODECS,
    });
    this.#opened += 1;
    // A database that several services in turn connect to: only the queue's process dies.
    const { driver } = this;
    const process = { isDead: false };
    this.#process = process;
    const alive = <T>(call: Promise<T>): Promise<T> =>
      call.then(
        (value) => (process.isDead ? gone() : value),
        (error: unknown) => {
          if (process.isDead) return gone();
          throw error;
        },
      );
    const { create, read, update, delete: remove, ...others } = driver.statements;
    const write =
      <O>(run: (operation: O, context: CallContext) => Promise<WriteResult>) =>
      async (operation: O, context: CallContext): Promise<WriteResult> => {
        if (process.isDead) return gone();
        const [refusal] = this.refusals;
        // As a database does: what the ledger knows is answered, and not judged again.
        if (refusal !== undefined && !(await alive(driver.wasApplied(context.operationId, context)))) {
          this.refusals.shift();
          throw refusal;
        }
        return alive(run(operation, context));
      };
    const shared = {
      name: driver.name,
      capabilities: driver.capabilities,
      statements: {
        ...others,
        create: write(create),
        update: write(update),
        delete: write(remove),
        read: (...call: Parameters<typeof read>) => (process.isDead ? gone() : alive(read(...call))),
      },
      get state() {
        return driver.state;
      },
      onStateChange: (listener: Parameters<typeof driver.onStateChange>[0]) => driver.onStateChange(listener),
      begin: driver.begin.bind(driver),
      ping: driver.ping.bind(driver),
      version: driver.version.bind(driver),
      connect: async () => {},
      disconnect: async () => {},
    };
    this.db = createDatabase({ driver: shared, layers: [this.queue.layer] });
  }

  get full(): boolean {
    return this.#store.isFull;
  }
  set full(isFull: boolean) {
    this.#store.isFull = isFull;
  }

  set slowness(turns: number) {
    this.#store.slowness = turns;
  }

  /** The process is gone between one moment and the next. */
  async crash(): Promise<void> {
    this.#store.isDead = true;
    this.#process.isDead = true;
    // What it had sent to the database may still arrive there; what it had in memory is lost.
    await this.open();
  }

  rows(): Promise<readonly (Row | undefined)[]> {
    return Promise.all(RECORDS.map((id) => this.db.read(id)));
  }
}

/** What the database must hold once all is applied. */
export function expectedRows(model: Model, dead: ReadonlySet<string>): readonly (Row | undefined)[] {
  return RECORDS.map((id) => {
    let row: Row | undefined;
    let blocked = false;
    for (const { operationId, write, discarded } of model.accepted) {
      if (write.id !== id || discarded || blocked) continue;
      if (dead.has(operationId)) blocked = true;
      else if (write.kind === "delete") row = undefined;
      // A create that finds its own record counts as done.
      else if (write.kind !== "create" || !isSame(write, row)) row = rowAfter(toOperation(write), row);
    }
    return row;
  });
}

/** A process that is no more answers nobody. */
const gone = (): Promise<never> => new Promise(() => {});

function isSame({ id, data }: { readonly id: string; readonly data: Fields }, row: Row | undefined): boolean {
  return row !== undefined && equalValues(row, { ...data, id });
}

type Command = fc.AsyncCommand<Model, Subject>;

const write: fc.Arbitrary<StoredWrite> = fc
  .tuple(fc.constantFrom(...RECORDS), fc.nat(9))
  .chain(([id, n]) =>
    fc.constantFrom<StoredWrite>(
      { kind: "create", id, data: { n } },
      { kind: "update", id, data: { n: 1 }, mode: "increment" },
      { kind: "update", id, data: { m: n }, mode: "merge" },
      { kind: "delete", id },
    ),
  );

class Enqueue implements Command {
  readonly write: StoredWrite;
  constructor(given: StoredWrite) {
    this.write = given;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, subject: Subject): Promise<void> {
    model.next += 1;
    const operationId = `op-${model.next}`;
    await put(model, subject, operationId, this.write);
  }
  toString(): string {
    return `enqueue ${JSON.stringify(this.write)}`;
  }
}

class EnqueueAgain implements Command {
  check({ accepted }: Readonly<Model>): boolean {
    return accepted.length > 0;
  }
  async run(model: Model, subject: Subject): Promise<void> {
    const last = model.accepted.at(-1);
    if (last === undefined) return;
    // Sent twice: while it waits it is one entry, and later the ledger knows it.
    if (subject.queue.outcome(last.operationId) !== "waiting") return;
    const { seq } = await subject.queue.enqueue(last.write, { operationId: last.operationId });
    expect(seq).toBe(last.seq);
  }
  toString(): string {
    return "enqueue the last one again";
  }
}

async function put(model: Model, subject: Subject, operationId: string, given: StoredWrite): Promise<void> {
  try {
    const { seq } = await subject.queue.enqueue(given, { operationId });
    model.accepted.push({ operationId, write: given, seq, discarded: false });
  } catch (error) {
    expect(error).toMatchObject({ code: "QUEUE_FULL" });
  }
}

class Act implements Command {
  readonly name: string;
  readonly act: (subject: Subject, model: Model) => unknown;
  constructor(name: string, act: (subject: Subject, model: Model) => unknown) {
    this.name = name;
    this.act = act;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, subject: Subject): Promise<void> {
    await this.act(subject, model);
  }
  toString(): string {
    return this.name;
  }
}

const act = (name: string, run: (subject: Subject, model: Model) => unknown): fc.Arbitrary<Command> =>
  fc.constant(new Act(name, run));
const lost = new DatabaseErrorOf("CONNECTION_FAILED", "lost", {}, { effect: "unknown" });
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

export const commands: readonly fc.Arbitrary<Command>[] = [
  write.map((given) => new Enqueue(given)),
  write.map((given) => new Enqueue(given)),
  fc.constant(new EnqueueAgain()),
  act("outage", (subject) => {
    subject.driver.goAway();
    subject.away = true;
  }),
  act("recovery", (subject) => {
    subject.driver.comeBack();
    subject.away = false;
  }),
  act("the next answer is lost", ({ driver }) =>
    driver.failNext(lost, { kind: ["create", "update", "delete"], when: "after" }),
  ),
  act("the next request is lost", ({ driver }) => driver.failNext(lost, { kind: ["create", "update", "delete"] })),
  act("the next write is refused", ({ refusals }) =>
    refusals.push(new DatabaseErrorOf("FIELD_VIOLATION", "no", { field: "n" })),
  ),
  act("the next write meets another", ({ refusals }) => refusals.push(new DatabaseErrorOf("CONFLICT", "met", {}))),
  act("the disk is full", (subject) => {
    subject.full = true;
  }),
  act("the disk has room", (subject) => {
    subject.full = false;
  }),
  act("the disk is slow", (subject) => {
    subject.slowness = 4;
  }),
  act("the disk is quick", (subject) => {
    subject.slowness = 0;
  }),
  act("crash and open again", (subject) => subject.crash()),
  act("close and open again", async (subject) => {
    subject.full = false;
    await subject.db.disconnect({ drainMs: 0 });
    await subject.queue.close();
    await subject.open();
  }),
  act("some time passes", () => turns(5)),
  act("redrive all", async ({ queue }) => {
    for (const { seq } of await queue.deadLetters()) await queue.redrive(seq).catch(ignoreFull);
  }),
  act("discard the first", async (subject, model) => {
    const { queue } = subject;
    const [letter] = await queue.deadLetters();
    // A decision that a full disk did not take is as open as the disk is after a crash.
    if (letter === undefined || subject.full) return;
    const known = model.accepted.find(({ operationId }) => operationId === letter.operationId);
    if ((await queue.discard(letter.seq, "test")) !== 0 && known !== undefined) known.discarded = true;
  }),
];

/** A decision that cannot be stored yet is taken all the same; it is stored with the next commit. */
function ignoreFull(error: unknown): number {
  expect(error).toMatchObject({ code: "QUEUE_FULL" });
  return 1;
}
