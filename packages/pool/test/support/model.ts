import { subscribe } from "node:diagnostics_channel";
import fc from "fast-check";
import { vi } from "vitest";
import { CHANNELS, ConnectionPool, type CreateContext, isPoolError, type Lease, PoolError } from "../../src/index.ts";

/** What the model expects of the pool: hardly more than its limits. */
export interface Model {
  max: number;
  closed: boolean;
}

interface Resource {
  readonly id: number;
  readonly lost: () => void;
}

interface Held {
  readonly lease: Lease<Resource>;
  readonly resource: Resource;
}

type Mood = "well" | "fails" | "throws" | "hangs" | "slow";

let present: Subject | undefined;
for (const name of Object.values(CHANNELS)) if (name !== CHANNELS.acquire) subscribe(name, () => present?.react());

/** The pool with hooks that behave as they are told, and with an eye on every promise it ever made. */
export class Subject {
  readonly pool: ConnectionPool<Resource>;
  readonly moods = { create: "well", validate: "well", reset: "well", destroy: "well" } as Record<string, Mood>;
  readonly held: Held[] = [];
  readonly ended: Lease<Resource>[] = [];
  readonly controllers: AbortController[] = [];
  readonly open = new Map<number, Resource>();
  pending = 0;
  /** What whoever listens does at the next event. */
  reaction: (() => void) | undefined;
  /** What went wrong where nobody could be told: the pool forgives its hooks everything. */
  readonly faults: string[] = [];
  #size = 0;
  #made = 0;
  #asked = 0;
  #served = -1;

  constructor(reset: boolean, shed: boolean) {
    this.pool = new ConnectionPool<Resource>({
      max: 3,
      createTimeoutMs: 200,
      validateTimeoutMs: 200,
      destroyTimeoutMs: 200,
      validateAfterIdleMs: 50,
      idleTimeoutMs: 400,
      maxLifetimeMs: 2_000,
      healthCheckIntervalMs: 300,
      acquireTimeoutMs: 500,
      leakWarnMs: Number.POSITIVE_INFINITY,
      unavailableAfterMs: 1_000,
      maxWaiting: 5,
      create: (context) => this.#create(context),
      destroy: (resource) => {
        // Counted as closed from the call on, whatever comes of it.
        if (!this.open.delete(resource.id)) this.faults.push(`${resource.id} was destroyed twice`);
        return this.#behave("destroy", undefined);
      },
      validate: () => this.#behave("validate", true),
      ...(reset ? { reset: () => this.#behave("reset", undefined) } : {}),
      ...(shed ? { shed: { targetMs: 20, intervalMs: 100 } } : {}),
      classify: (error) => (error as { readonly kind?: "transient" | "permanent" | "broken" }).kind ?? "transient",
    });
    this.pool.onStateChange(() => this.react());
    present = this;
  }

  react(): void {
    const { reaction } = this;
    this.reaction = undefined;
    reaction?.();
  }

  acquire(options: { readonly timeoutMs?: number; readonly whenAway?: "fail" | "wait" }, abortable: boolean): void {
    const order = this.#asked;
    this.#asked += 1;
    const controller = new AbortController();
    if (abortable) this.controllers.push(controller);
    this.pending += 1;
    this.pool.acquire({ ...options, ...(abortable ? { signal: controller.signal } : {}) }).then(
      (lease) => {
        this.pending -= 1;
        if (order < this.#served) this.faults.push(`${order} was served after ${this.#served}`);
        this.#served = order;
        this.hold(lease);
      },
      (error: unknown) => {
        this.pending -= 1;
        if (!isPoolError(error) && !controller.signal.aborted) this.faults.push(String(error));
      },
    );
  }

  tryAcquire(): void {
    const lease = this.pool.tryAcquire();
    if (lease !== undefined) this.hold(lease);
  }

  start(timeoutMs: number): void {
    this.pending += 1;
    this.pool.start({ timeoutMs }).then(
      () => {
        this.pending -= 1;
      },
      (error: unknown) => {
        this.pending -= 1;
        if (!isPoolError(error)) this.faults.push(String(error));
      },
    );
  }

  use(): void {
    this.pending += 1;
    const work = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
    this.pool.use(work).then(
      () => {
        this.pending -= 1;
      },
      (error: unknown) => {
        this.pending -= 1;
        if (!isPoolError(error)) this.faults.push(String(error));
      },
    );
  }

  hold(lease: Lease<Resource>): void {
    const resource = lease.value;
    if (this.held.some((held) => held.resource === resource)) this.faults.push(`${resource.id} was handed out twice`);
    if (!this.open.has(resource.id)) this.faults.push(`${resource.id} was handed out after its end`);
    this.held.push({ lease, resource });
  }

  /** Ends the lease in one of the ways there are; a second time must be refused. */
  end(index: number, how: "release" | "fail" | "break" | "destroy"): void {
    const [held] = this.held.splice(index % this.held.length, 1);
    if (held === undefined) return;
    const { lease, resource } = held;
    if (how === "release") {
      lease.release();
      if (this.pool.state.name === "failed" && this.open.has(resource.id))
        this.faults.push(`failed though ${resource.id} came back sound`);
    } else if (how === "fail") lease.release(Object.assign(new Error("fails"), { kind: "transient" }));
    else if (how === "break") lease.release(Object.assign(new Error("breaks"), { kind: "broken" }));
    else lease.destroy();
    this.ended.push(lease);
  }

  endAgain(index: number): void {
    const lease = this.ended[index % this.ended.length];
    try {
      lease?.release();
    } catch (error) {
      if (error instanceof PoolError && error.code === "LEASE_RELEASED") return;
    }
    if (lease !== undefined) throw new Error("expected LEASE_RELEASED for the second end of a lease");
  }

  /** What holds at any time. */
  check(): void {
    if (this.faults.length > 0) throw new Error(this.faults.join("; "));
    const { size, idle, inUse, checking, waiting, creating, max } = this.pool.stats();
    const counts = { size, idle, inUse, checking, waiting, creating };
    const text = JSON.stringify(counts);
    if (Object.values(counts).some((count) => count < 0)) throw new Error(`a negative count: ${text}`);
    if (size > max && size > this.#size) throw new Error(`more than ${max}: ${text}`);
    this.#size = size;
    if (size !== idle + inUse + checking) throw new Error(`a lost slot: ${text}`);
    if (waiting > 0 && idle > 0 && !this.pool.stats().suspended && creating === 0 && checking === 0 && size <= max)
      throw new Error(`somebody waits though a connection is idle: ${text}`);
  }

  #create({ lost }: CreateContext): Promise<Resource> {
    const { size, creating, max } = this.pool.stats();
    if (size + creating > max) this.faults.push(`more than ${max}: ${size} and ${creating} being made`);
    return this.#behave("create", undefined).then(() => {
      this.#made += 1;
      const resource = { id: this.#made, lost };
      this.open.set(resource.id, resource);
      return resource;
    });
  }

  #behave<R>(hook: string, result: R): Promise<R> {
    const mood = this.moods[hook];
    if (mood === "throws") throw Object.assign(new Error(`${hook} throws`), { kind: "permanent" });
    if (mood === "fails") return Promise.reject(Object.assign(new Error(`${hook} fails`), { kind: "broken" }));
    // Longer than any hook may take.
    if (mood === "slow") return new Promise((resolve) => setTimeout(() => resolve(result), 300));
    return mood === "hangs" ? new Promise(() => {}) : Promise.resolve(result);
  }
}

type Command = fc.AsyncCommand<Model, Subject>;

/** A command from a sentence for the report of a counterexample and what it does. */
function command(text: string, run: (subject: Subject, model: Model) => void | Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, subject) => {
      await run(subject, model);
      await vi.advanceTimersByTimeAsync(0);
      subject.check();
    },
    toString: () => text,
  };
}

const index = fc.nat(20);

export const commands: readonly fc.Arbitrary<Command>[] = [
  fc
    .tuple(fc.option(fc.integer({ min: 1, max: 800 }), { nil: undefined }), fc.boolean(), fc.boolean())
    .map(([timeoutMs, away, abortable]) =>
      command(`acquire(${timeoutMs}${away ? ", fail away" : ""}${abortable ? ", signal" : ""})`, (subject) =>
        subject.acquire(
          { ...(timeoutMs === undefined ? {} : { timeoutMs }), whenAway: away ? "fail" : "wait" },
          abortable,
        ),
      ),
    ),
  fc
    .tuple(
      index,
      fc.constantFrom("release" as const, "release" as const, "fail" as const, "break" as const, "destroy" as const),
    )
    .map(([at, how]) => command(`${how}(${at})`, (subject) => subject.end(at, how))),
  index.map((at) => command(`endAgain(${at})`, (subject) => subject.endAgain(at))),
  index.map((at) =>
    command(`abort(${at})`, ({ controllers }) => controllers[at % controllers.length]?.abort("enough")),
  ),
  index.map((at) => command(`die(${at})`, ({ open }) => [...open.values()][at % open.size]?.lost())),
  fc.constant(command("tryAcquire()", (subject) => subject.tryAcquire())),
  fc.integer({ min: 1, max: 1_000 }).map((ms) =>
    command(`wait(${ms})`, async () => {
      await vi.advanceTimersByTimeAsync(ms);
    }),
  ),
  fc
    .tuple(
      fc.constantFrom("create", "validate", "reset", "destroy"),
      fc.constantFrom<Mood>("well", "well", "fails", "throws", "hangs", "slow"),
    )
    .map(([hook, mood]) =>
      command(`${hook} ${mood}`, ({ moods }) => {
        moods[hook] = mood;
      }),
    ),
  fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(5)).map(([max, min]) =>
    command(`resize(${Math.min(min, max)}, ${max})`, ({ pool }, model) => {
      model.max = max;
      pool.resize({ max, min: Math.min(min, max) });
    }),
  ),
  fc.boolean().map((on) => command(on ? "suspend()" : "resume()", ({ pool }) => (on ? pool.suspend() : pool.resume()))),
  fc.constant(command("evictAll()", ({ pool }) => pool.evictAll())),
  fc
    .tuple(index, fc.constantFrom("release" as const, "tryAcquire" as const, "evictAll" as const, "suspend" as const))
    .map(([at, what]) =>
      command(`at the next event ${what}`, (subject) => {
        subject.reaction = () => {
          if (what === "release") subject.end(at, "release");
          else if (what === "tryAcquire") subject.tryAcquire();
          else subject.pool[what]();
        };
      }),
    ),
  fc.constant(command("use()", (subject) => subject.use())),
  fc.integer({ min: 1, max: 800 }).map((ms) => command(`start(${ms})`, (subject) => subject.start(ms))),
];

export const closing: fc.Arbitrary<Command> = fc
  .tuple(fc.constantFrom("close" as const, "drain" as const), fc.constantFrom(0, 100))
  .map(([how, deadlineMs]) =>
    command(`${how}(${deadlineMs})`, (subject, model) => {
      model.closed = true;
      subject.pending += 1;
      subject.pool[how]({ deadlineMs }).then(
        () => {
          subject.pending -= 1;
        },
        (error: unknown) => subject.faults.push(String(error)),
      );
    }),
  );
