import type { Condition } from "./condition.ts";
import type { Dialer } from "./dialer.ts";
import { explain, PoolError, type PoolFacts } from "./errors.ts";
import { phaseOf, type SharedFacts, sharedFacts } from "./facts.ts";
import type { Settings } from "./options.ts";
import type { StateMachine } from "./state.ts";
import type { Stock } from "./stock.ts";
import type { Request, WaitLine } from "./wait-line.ts";

/** The parts of a pool that tell why a caller goes without. */
interface RefusalsOptions<T> {
  readonly settings: Settings<T>;
  readonly stock: Stock<T>;
  readonly dialer: Dialer<T>;
  readonly line: WaitLine<T>;
  readonly state: StateMachine;
  readonly condition: Condition<T>;
  readonly mode: { readonly max: number; readonly suspended: boolean };
}

/** Errors that say why. */
export class Refusals<T> {
  readonly #options: RefusalsOptions<T>;
  #shared: { readonly facts: SharedFacts; readonly at: number } | undefined;

  constructor(options: RefusalsOptions<T>) {
    this.#options = options;
  }

  timeout(request: Request, waitedMs: number, now: number): PoolError {
    const facts = this.#facts(request, waitedMs, now);
    const message = explain(`${facts.pool}: no connection within ${Math.round(waitedMs)} ms`, facts);
    return new PoolError("ACQUIRE_TIMEOUT", message, { retryable: true, facts, cause: facts.lastFailure });
  }

  full(request: Request, now: number): PoolError {
    const facts = this.#facts(request, 0, now);
    const message = explain(`${facts.pool}: ${facts.waiting} are waiting already`, facts);
    return new PoolError("POOL_FULL", message, { retryable: true, facts });
  }

  shed(request: Request, waitedMs: number, now: number): PoolError {
    const facts = this.#facts(request, waitedMs, now);
    const message = explain(`${facts.pool}: overloaded, refused after ${Math.round(waitedMs)} ms`, facts);
    return new PoolError("POOL_FULL", message, { retryable: true, facts });
  }

  unavailable(request: Request, waitedMs: number, now: number): PoolError {
    const facts = this.#facts(request, waitedMs, now);
    const state = this.#options.state.now;
    const nextAttemptAt = state.name === "failed" ? state.nextAttemptAt : now;
    const retryAfterMs = Math.max(1, Math.ceil(nextAttemptAt - now));
    const message = explain(`${facts.pool}: unavailable, next attempt in ${retryAfterMs} ms`, facts);
    const more = { retryable: true, retryAfterMs, facts, cause: facts.lastFailure };
    return new PoolError("POOL_UNAVAILABLE", message, more);
  }

  createFailed(request: Request, waitedMs: number, now: number): PoolError {
    const facts = this.#facts(request, waitedMs, now);
    const message = `${facts.pool}: cannot connect, and waiting will not help (see cause)`;
    return new PoolError("CREATE_FAILED", message, { facts, cause: facts.lastFailure });
  }

  closed(): PoolError {
    return new PoolError("POOL_CLOSED", `${this.#options.settings.name}: closed`);
  }

  #facts(request: Request, waitedMs: number, now: number): PoolFacts {
    // The same for all who leave at the same time, which may be thousands.
    if (this.#shared?.at !== now) this.#shared = { facts: this.#takeStock(now), at: now };
    const { facts } = this.#shared;
    const phase = phaseOf(facts, { suspended: this.#options.mode.suspended, checking: this.#options.stock.busy });
    return { ...facts, label: request.label, phase, waitedMs, holding: request.holding };
  }

  #takeStock(now: number): SharedFacts {
    const { settings, stock, dialer, line, state, condition, mode } = this.#options;
    return sharedFacts(
      stock,
      {
        pool: settings.name,
        state: state.now.name,
        max: mode.max,
        creating: dialer.active,
        waiting: line.size,
        waitingHolders: line.holders,
        lastFailure: condition.lastFailure,
      },
      now,
    );
  }
}
