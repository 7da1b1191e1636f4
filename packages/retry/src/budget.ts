import { checkDuration, checkKeys, checkNumber } from "./options.ts";
import { SlidingWindow } from "./window.ts";

/** What `RetryBudget` takes. */
export interface RetryBudgetOptions {
  /** Retries per recent call, 0..1. Default 0.2: in an outage load grows by a fifth and not by `maxAttempts`. */
  readonly ratio?: number;
  /** Retries per second that need no calls to pay for them, 0..1,000,000. Default 3: few calls are still repeated. */
  readonly minPerSecond?: number;
  /** What counts as recent, in milliseconds. Default 10,000. */
  readonly windowMs?: number;
}

/** A retry that has been paid for. */
export interface RetryCharge {
  /** Gives it back: the retry succeeded, or was never made. Once; nothing when the window has moved past it. */
  refund(): void;
}

/** What a policy asks of a budget; `RetryBudget` is one. */
export interface Budget {
  /** One call, however many attempts it will take. */
  count(): void;
  /** Pays for one retry, when it is scheduled and not when it is made; undefined where the budget is used up. */
  charge(): RetryCharge | undefined;
}

const CALLS = 0;
const CHARGES = 1;
/** Calls that may stand outside the window until the clock is read: reading it costs as much as a bare await. */
const BATCH = 16;

/**
 * Bounds what retries add to the load of a service: within the window there are at most `ratio` × calls + `minPerSecond` ×
 * seconds of them, those that succeeded not counted. Share one among all that call the same service. Source of the
 * algorithm: the budget of tower and finagle, a ring of slots; charged at scheduling, for callers that back off together
 * would otherwise all be let through (envoy issue 30205).
 */
export class RetryBudget implements Budget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #window: SlidingWindow;
  #fresh = 0;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: RetryBudgetOptions = {}) {
    checkKeys("RetryBudget", options, ["ratio", "minPerSecond", "windowMs"]);
    const windowMs = checkDuration("windowMs", options.windowMs ?? 10_000);
    this.#ratio = checkNumber("ratio", options.ratio ?? 0.2, 0, 1);
    this.#reserve = (checkNumber("minPerSecond", options.minPerSecond ?? 3, 0, 1_000_000) * windowMs) / 1_000;
    this.#window = new SlidingWindow(windowMs, 2);
  }

  /** How many retries could be charged now. */
  get available(): number {
    this.#advance();
    const left = this.#ratio * this.#window.total(CALLS) + this.#reserve - this.#window.total(CHARGES);
    // Sums of fractions such as 0.2 come out a hair below the whole number they mean.
    return Math.max(0, Math.floor(left + 1e-9));
  }

  count(): void {
    this.#fresh += 1;
    if (this.#fresh >= BATCH) this.#advance();
  }

  charge(): RetryCharge | undefined {
    if (this.available < 1) return undefined;
    const slot = this.#advance();
    this.#window.add(CHARGES, 1, slot);
    let refunded = false;
    return {
      refund: () => {
        if (refunded) return;
        refunded = true;
        this.#advance();
        this.#window.add(CHARGES, -1, slot);
      },
    };
  }

  /** Moves the window to the present and takes in the calls that were counted since. */
  #advance(): number {
    const slot = this.#window.advance();
    this.#window.add(CALLS, this.#fresh);
    this.#fresh = 0;
    return slot;
  }
}
