import { publishState } from "./channels.ts";

/** Times are on the monotonic `performance.now()` scale. */
export type PoolState =
  /** Nobody has asked for a connection yet. */
  | { readonly name: "disconnected" }
  /** The first connection is being made. */
  | { readonly name: "connecting"; readonly since: number }
  | { readonly name: "connected"; readonly since: number }
  | {
      readonly name: "failed";
      readonly since: number;
      readonly error: unknown;
      /** Whether `classify` calls the error permanent: waiting will not help, so nobody is let wait. */
      readonly permanent: boolean;
      /** When the next dial is due. */
      readonly nextAttemptAt: number;
      /** From here on an acquire that would have to wait rejects at once. */
      readonly unavailableAt: number;
    }
  /** Final. */
  | { readonly name: "closed" };

/** Told of each change of state. It may throw; that is published on `db:pool:error`. */
export type StateListener = (state: PoolState, from: PoolState) => void;

interface Change {
  readonly state: PoolState;
  readonly from: PoolState;
}

/** Where the pool stands, and who wants to know. */
export class StateMachine {
  /** Whether the state is `failed`: asked at every release. */
  failed = false;
  #state: PoolState = { name: "disconnected" };
  readonly #pool: string;
  readonly #listeners = new Set<StateListener>();
  readonly #onFault: (error: unknown) => void;
  /** Changes that nobody was told of yet. */
  readonly #news: Change[] = [];
  #telling = false;

  constructor(pool: string, onFault: (error: unknown) => void) {
    this.#pool = pool;
    this.#onFault = onFault;
  }

  get now(): PoolState {
    return this.#state;
  }

  set(state: PoolState): void {
    const from = this.#state;
    if (from.name === "closed") return;
    this.#state = state;
    this.failed = state.name === "failed";
    this.#news.push({ state, from });
    // Who is told may bring about the next change: the others hear of this one before.
    if (this.#telling) return;
    this.#telling = true;
    for (let change = this.#news.shift(); change !== undefined; change = this.#news.shift()) this.#tell(change);
    this.#telling = false;
  }

  #tell({ state, from }: Change): void {
    publishState({ pool: this.#pool, from: from.name, to: state });
    for (const listener of [...this.#listeners]) {
      try {
        const result: unknown = listener(state, from);
        if (result instanceof Promise) result.catch(this.#onFault);
      } catch (error) {
        this.#onFault(error);
      }
    }
  }

  subscribe(listener: StateListener): () => void {
    // A wrapper of its own, so that the same function can listen twice and stop twice.
    const own: StateListener = (state, from) => listener(state, from);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }
}
