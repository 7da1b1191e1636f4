import { Deadline } from "./deadlines.ts";

interface MilestoneOptions {
  readonly reached: () => boolean;
  /** What comes of it when the time is up: nothing special, or an error to throw. */
  readonly missed: (now: number) => void;
  /** Called when it is over, however it ended. */
  readonly over: (milestone: Milestone) => void;
  /** Whether a permanent error of `create` ends it. */
  readonly failsEarly: boolean;
}

/** Something that the pool is to reach within a time: to be warm, drained or closed. Its promise settles exactly once. */
export class Milestone extends Deadline {
  readonly promise: Promise<void>;
  readonly failsEarly: boolean;
  readonly #options: MilestoneOptions;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(options: MilestoneOptions) {
    super();
    this.#options = options;
    this.failsEarly = options.failsEarly;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  check(): void {
    if (!this.#options.reached()) return;
    this.#options.over(this);
    this.#resolve();
  }

  fail(error: unknown): void {
    this.#options.over(this);
    this.#reject(error);
  }

  override expire(now: number): void {
    this.#options.over(this);
    try {
      this.#options.missed(now);
      this.#resolve();
    } catch (error) {
      this.#reject(error);
    }
  }
}
