import { UnavailableFault } from "./problem.ts";

/** Room for dear work: whoever finds none is refused and told to come again, so that all else is still served. */
export class Places {
  #free: number;
  readonly #what: string;

  /** @param what the work is, in the plural, for whoever is refused */
  constructor(count: number, what: string) {
    this.#free = count;
    this.#what = what;
  }

  /** @throws UnavailableFault where no place is free */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) throw new UnavailableFault(`too many ${this.#what} at the same time`, 1);
    this.#free -= 1;
    try {
      return await work();
    } finally {
      this.#free += 1;
    }
  }
}
