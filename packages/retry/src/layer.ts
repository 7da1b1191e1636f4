import {
  type CallContext,
  type DatabaseError,
  type ErrorCode,
  interrupted,
  isDatabaseError,
  type Layer,
  type LayerHost,
  withEffect,
} from "@db/core";
import { type Course, type Ending, goOn } from "./course.ts";
import { checkKeys } from "./options.ts";
import { Policy, type RetryOptions } from "./policy.ts";

/** As of `RetryOptions`; what may be repeated is not an option here, and the time is the call's own deadline. */
export type RetryLayerOptions = Pick<
  RetryOptions,
  "name" | "maxAttempts" | "backoff" | "budget" | "random" | "onRetry" | "onGiveUp"
>;

const LAYER_KEYS: readonly string[] = ["name", "maxAttempts", "backoff", "budget", "random", "onRetry", "onGiveUp"];

/** These tell of an outage or of overload: the pool alone waits in the one, and the other is not helped by more calls. */
const NEVER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["SERVICE_UNAVAILABLE", "POOL_EXHAUSTED", "CLOSED"]);

/**
 * Repeats operations of a `DatabaseService` where that is safe and can help: the error is `retryable`, nothing was changed
 * (`effect: "none"`) or the ledger makes a repeat harmless, and the driver is connected. All attempts of a call have its
 * operation id and its deadline; a wait that would pass the deadline is not begun. A replay of a queue passes once, for
 * the queue has a back-off of its own; so do transactions, which core re-runs.
 *
 * Stands inside of a queue and outside of an attempt timeout: `layers: [queue, retryLayer(), attemptTimeout()]`. Services
 * that are given the same layer share its budget.
 * @throws TypeError for an option that is unknown or wrong
 */
export function retryLayer(options: RetryLayerOptions = {}): Layer {
  checkKeys("retryLayer", options, LAYER_KEYS);
  const { budget = false } = new Policy(options);
  return (next, host) => {
    const policy = new Policy({ ...options, name: options.name ?? host.driver.name, budget, shouldRetry: () => true });
    return function retryLayer(operation, context) {
      if (operation.kind === "transaction" || context.origin === "replay") return next(operation, context);
      policy.budget?.count();
      const startedAt = policy.timed ? performance.now() : Number.NaN;
      return next(operation, context).then(undefined, (error: unknown) => {
        const attempt = (repeated: CallContext) => next(operation, repeated);
        return goOn(policy, new OperationCourse(operation.kind, attempt, host, context, startedAt), error);
      });
    };
  };
}

/** One operation after its first attempt has failed. */
class OperationCourse<T> implements Course<T> {
  readonly operation: string;
  readonly startedAt: number;
  readonly #next: (context: CallContext) => Promise<T>;
  readonly #host: LayerHost;
  readonly #context: CallContext;
  /** An attempt before may have been applied. */
  #isUnknown = false;

  constructor(
    operation: string,
    next: (context: CallContext) => Promise<T>,
    host: LayerHost,
    context: CallContext,
    startedAt: number,
  ) {
    this.operation = operation;
    this.#next = next;
    this.#host = host;
    this.#context = context;
    this.startedAt = startedAt;
  }

  get remainingMs(): number {
    return this.#context.deadline - performance.now();
  }

  attempt(attempt: number): Promise<T> {
    const answer = this.#next(this.#context.with({ attempt: this.#context.attempt + attempt - 1 }));
    if (!this.#isUnknown) return answer;
    return answer.then(undefined, (error: unknown) => {
      // A refusal tells that the ledger did not know the write; what may pass tells nothing about the attempts before.
      throw isDatabaseError(error) && error.retryable ? withEffect(error, "unknown") : error;
    });
  }

  wait(delayMs: number): Promise<void> {
    const { signal } = this.#context;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, Math.ceil(delayMs));
      signal.addEventListener("abort", end);
    });
  }

  ending(error: unknown, waited: boolean): Ending | undefined {
    const context = this.#context;
    if (!isDatabaseError(error)) return { reason: "not-retryable", error };
    this.#isUnknown ||= error.effect === "unknown";
    if (context.aborted) return { reason: "aborted", error: waited ? interrupted(context, error.effect) : error };
    if (!this.#mayRepeat(error)) return { reason: "not-retryable", error };
    return this.remainingMs > 0 ? undefined : { reason: "max-elapsed", error };
  }

  /** Nothing was held but the wait's own timer and listener. */
  end(): void {}

  #mayRepeat({ code, retryable, effect }: DatabaseError): boolean {
    const harmless = effect === "none" || this.#context.ledger;
    return retryable && harmless && !NEVER.has(code) && this.#host.driver.state.name === "connected";
  }
}
