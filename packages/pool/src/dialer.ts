import { Deadline, type Deadlines } from "./deadlines.ts";
import { hookTimeout } from "./hook-call.ts";
import { neutral } from "./neutral.ts";
import type { Settings } from "./options.ts";
import { Outage } from "./outage.ts";
import type { Slot } from "./slot.ts";

/** For how long an attempt is waited for before the failure of another one counts. */
const PROMPT_MS = 250;

/** Who is told what becomes of attempts. */
interface DialerClient<T> {
  arrived(attempt: Attempt<T>, value: T): void;
  failed(attempt: Attempt<T>, error: unknown): void;
  /** An attempt that was given up has made a connection after all. */
  arrivedLate(attempt: Attempt<T>, value: T): void;
  lost(slot: Slot<T>, error: unknown): void;
  /** Whether any connection answered or came back sound since. */
  provenSince(at: number): boolean;
  /** Whether the pool is neither closed nor suspended: a listener, or `create` itself, may have seen to that just now. */
  mayDial(): boolean;
  /** The pause before the next attempt is over. */
  due(now: number): void;
}

/** One call of `create`. It belongs to nobody who waits: what it makes goes to whoever is first in line by then. */
export class Attempt<T> extends Deadline {
  readonly startedAt: number = performance.now();
  /** How often all was evicted before it began. */
  readonly epoch: number;
  /** Set when `lost` came before `create` settled. */
  lost: { readonly error: unknown } | undefined;
  slot: Slot<T> | undefined;
  readonly #controller = new AbortController();
  readonly #onTimeout: (attempt: Attempt<T>) => void;

  constructor(epoch: number, onTimeout: (attempt: Attempt<T>) => void) {
    super();
    this.epoch = epoch;
    this.#onTimeout = onTimeout;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  override expire(): void {
    this.#onTimeout(this);
  }
}

/** The end of a pause between attempts. */
class Pause extends Deadline {
  readonly #over: (now: number) => void;

  constructor(over: (now: number) => void) {
    super();
    this.#over = over;
  }

  override expire(now: number): void {
    this.#over(now);
  }
}

/** Makes connections: how many at a time and how soon after a failure, never why. */
export class Dialer<T> {
  readonly outage: Outage;
  readonly #attempts = new Set<Attempt<T>>();
  readonly #client: DialerClient<T>;
  readonly #settings: Settings<T>;
  readonly #chores: Deadlines;
  readonly #pause: Pause;
  #epoch = 0;

  constructor(client: DialerClient<T>, settings: Settings<T>, chores: Deadlines) {
    this.#client = client;
    this.#settings = settings;
    this.#chores = chores;
    this.outage = new Outage(settings.createConcurrency, settings.maxBackoffMs);
    this.#pause = new Pause((now) => client.due(now));
  }

  /** Attempts under way, those that were given up not included. */
  get active(): number {
    return this.#attempts.size;
  }

  /** How many of them may soon come to something: those that hang from before a recovery do not count. */
  get promising(): number {
    const { recoveredAt } = this.outage;
    let count = 0;
    for (const attempt of this.#attempts) if (attempt.startedAt >= recoveredAt) count += 1;
    return count;
  }

  /** Whether attempts that began together with one that failed may yet do better. */
  isOpen(now: number): boolean {
    const { since } = this.outage;
    if (since === undefined) return false;
    for (const { startedAt } of this.#attempts) if (startedAt <= since && now - startedAt < PROMPT_MS) return true;
    return false;
  }

  /** Begins up to `count` attempts, as far as concurrency and the pause after a failure allow. */
  dial(count: number, now: number): void {
    const { outage } = this;
    let begin = count;
    if (outage.since === undefined) {
      if (now < outage.provesUntil && !this.#client.provenSince(outage.recoveredAt)) {
        this.#pauseUntil(outage.provesUntil, now);
        return;
      }
      begin = Math.min(count, outage.limit - this.promising);
    } else if (count > 0) {
      // Attempts from before the outage may hang until their timeout; the prober does not wait for them.
      begin = this.#isProbing(outage.since) ? 0 : 1;
      if (begin > 0 && now < outage.nextAttemptAt) {
        this.#pauseUntil(outage.nextAttemptAt, now);
        return;
      }
    }
    for (; begin > 0 && this.#client.mayDial(); begin -= 1) this.#begin();
  }

  /** What attempts from before this make is not to be used, whether they are under way or were given up. */
  outdate(): void {
    this.#epoch += 1;
  }

  isOutdated(attempt: Attempt<T>): boolean {
    return attempt.epoch !== this.#epoch;
  }

  /** For one that was given up and has its connection now. The youngest has the longest way to go. */
  giveUpYoungest(): void {
    const youngest = [...this.#attempts].at(-1);
    if (youngest !== undefined) this.#giveUp(youngest, new Error("create: an earlier attempt came after all"));
  }

  /** Ends all; what they still make is handed over as late. */
  stop(reason: unknown): void {
    this.#chores.remove(this.#pause);
    for (const attempt of [...this.#attempts]) this.#giveUp(attempt, reason);
  }

  #pauseUntil(at: number, now: number): void {
    this.#chores.remove(this.#pause);
    this.#chores.add(this.#pause, at, now);
  }

  #isProbing(since: number): boolean {
    for (const attempt of this.#attempts) if (attempt.startedAt >= since) return true;
    return false;
  }

  #begin(): void {
    const { create, createTimeoutMs } = this.#settings;
    const attempt = new Attempt<T>(this.#epoch, (late) => this.#timeOut(late));
    const { signal, startedAt } = attempt;
    const lost = (error?: unknown): void => {
      if (attempt.slot === undefined) attempt.lost ??= { error };
      else this.#client.lost(attempt.slot, error);
    };
    this.#attempts.add(attempt);
    this.#chores.add(attempt, startedAt + createTimeoutMs, startedAt);
    neutral(() => new Promise<T>((resolve) => resolve(create({ signal, lost })))).then(
      (value) => this.#arrive(attempt, value),
      (error: unknown) => this.#fail(attempt, error),
    );
  }

  #arrive(attempt: Attempt<T>, value: T): void {
    if (!this.#end(attempt)) this.#client.arrivedLate(attempt, value);
    else if (attempt.lost !== undefined) {
      this.#client.arrivedLate(attempt, value);
      this.#client.failed(attempt, attempt.lost.error);
    } else this.#client.arrived(attempt, value);
  }

  #fail(attempt: Attempt<T>, error: unknown): void {
    if (this.#end(attempt)) this.#client.failed(attempt, error);
  }

  #timeOut(attempt: Attempt<T>): void {
    const error = hookTimeout("create", this.#settings.createTimeoutMs);
    this.#giveUp(attempt, error);
    this.#client.failed(attempt, error);
  }

  #giveUp(attempt: Attempt<T>, reason: unknown): void {
    this.#end(attempt);
    neutral(() => attempt.abort(reason));
  }

  /** False if it had ended before. */
  #end(attempt: Attempt<T>): boolean {
    this.#chores.remove(attempt);
    return this.#attempts.delete(attempt);
  }
}
