/** The namespace and database that a request is for; undefined where it is for none. */
export type Place = readonly [namespace: string, database: string] | undefined;

/**
 * An engine of SurrealDB 2 has one session for all: it is put into a request's place before, and requests for other places
 * wait. Those for one place run side by side.
 */
export class Surreal2Places {
  readonly #use: (place: Place) => Promise<unknown>;
  #present: string | undefined;
  #running = 0;
  #onIdle: (() => void) | undefined;
  #line: Promise<unknown> = Promise.resolve();

  constructor(use: (place: Place) => Promise<unknown>) {
    this.#use = use;
  }

  async run<T>(place: Place, work: () => Promise<T>): Promise<T> {
    const entered = this.#line.then(() => this.#enter(place));
    this.#line = entered.catch(() => {});
    await entered;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #enter(place: Place): Promise<void> {
    const key = JSON.stringify(place);
    if (place !== undefined && key !== this.#present) {
      if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
      this.#onIdle = undefined;
      await this.#use(place);
      this.#present = key;
    }
    this.#running += 1;
  }
}
