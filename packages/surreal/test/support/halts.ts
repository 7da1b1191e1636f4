const TICK_MS = 20;

/**
 * For how long this process was kept from running, which no driver can do anything about: what it promises is for one that
 * runs. What the process itself computed meanwhile is the driver's, and counts as its time.
 */
export class Halts implements Disposable {
  #total = 0;
  #tickedAt: number = performance.now();
  #cpu: NodeJS.CpuUsage = process.cpuUsage();
  readonly #ticking: NodeJS.Timeout;

  constructor() {
    this.#ticking = setInterval(() => {
      this.#total = this.totalMs;
      this.#tickedAt = performance.now();
      this.#cpu = process.cpuUsage();
    }, TICK_MS).unref();
  }

  /** So far, one included that ends just now and whose tick is still to come. */
  get totalMs(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    const idleMs = performance.now() - this.#tickedAt - (user + system) / 1_000;
    return this.#total + Math.max(0, idleMs - 2 * TICK_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticking);
  }
}
