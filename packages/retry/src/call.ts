import { type Attempt, type AttemptLimits, LimitedAttempt } from "./attempt.ts";
import type { Course, Ending } from "./course.ts";
import { DeadlineEntry, deadlines } from "./deadline.ts";
import { RetryTimeoutError } from "./errors.ts";
import type { Policy } from "./policy.ts";

/** One call of a function with all its attempts, its signal and its end in time. */
export class Call<T> extends DeadlineEntry implements Course<T>, AttemptLimits {
  readonly startedAt: number;
  readonly signal: AbortSignal | undefined;
  readonly #fn: (attempt: Attempt) => T | PromiseLike<T>;
  readonly #maxElapsedMs: number;
  readonly #attemptTimeoutMs: number;
  #attempt: LimitedAttempt<T> | undefined;
  #wake: (() => void) | undefined;
  #lastError: { readonly cause: unknown } | undefined;
  #ended: "aborted" | "max-elapsed" | undefined;

  constructor(
    policy: Policy,
    fn: (attempt: Attempt) => T | PromiseLike<T>,
    signal: AbortSignal | undefined,
    maxElapsedMs: number,
    startedAt: number,
  ) {
    super();
    this.startedAt = startedAt;
    this.signal = signal;
    this.#fn = fn;
    this.#maxElapsedMs = maxElapsedMs;
    this.#attemptTimeoutMs = policy.attemptTimeoutMs;
  }

  /** One listener and one deadline for the call, however many attempts it takes. */
  begin(): void {
    this.signal?.addEventListener("abort", this);
    if (this.#maxElapsedMs !== Number.POSITIVE_INFINITY) deadlines.add(this, this.#maxElapsedMs);
  }

  end(): void {
    this.signal?.removeEventListener("abort", this);
    deadlines.remove(this);
  }

  get timed(): boolean {
    return this.#maxElapsedMs !== Number.POSITIVE_INFINITY || this.#attemptTimeoutMs !== Number.POSITIVE_INFINITY;
  }

  get remainingMs(): number {
    return this.deadline === Number.POSITIVE_INFINITY ? this.deadline : this.deadline - performance.now();
  }

  get cause(): { readonly cause?: unknown } {
    return this.#lastError ?? {};
  }

  attempt(attempt: number): Promise<T> {
    this.#attempt = new LimitedAttempt<T>(attempt, this, this.#attemptTimeoutMs);
    return this.#attempt.run(this.#fn);
  }

  wait(delayMs: number): Promise<void> {
    // A hook may have aborted the call just before.
    if (this.#ended !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(delayMs));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  ending(error: unknown, waited: boolean): Ending | undefined {
    this.#lastError = { cause: error };
    if (this.#ended === "aborted") return { reason: "aborted", error: this.signal?.reason };
    const over = this.#ended === "max-elapsed" || (waited && this.remainingMs <= 0);
    return over ? { reason: "max-elapsed", error } : undefined;
  }

  /** The caller's signal has fired. */
  handleEvent(): void {
    this.#stop("aborted", () => this.signal?.reason);
  }

  override expire(): void {
    this.#stop("max-elapsed", () => new RetryTimeoutError("elapsed", this.#maxElapsedMs, this.cause));
  }

  #stop(ended: "aborted" | "max-elapsed", error: () => unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = ended;
    this.end();
    this.#attempt?.stop(error());
    this.#wake?.();
  }
}
