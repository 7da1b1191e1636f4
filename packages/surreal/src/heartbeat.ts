interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Grows with whatever comes from the peer, a part of a message included. */
  readonly received: () => number;
  /** Bytes of ours that wait to be taken: a ping stands behind them. */
  readonly unsent?: () => number;
  readonly ping: () => void;
  readonly dead: () => void;
}

/** How often in an interval to look whether anything came: the last byte may be that part of it older than it seems. */
const LOOKS = 4;

/**
 * What a peer that is there takes at the least, 2 Mbit/s. How much of a write it has taken cannot be seen: Node tells it of a
 * plain socket alone.
 */
const BYTES_PER_MS = 256;

/**
 * Finds out whether a silent peer is still there: after `intervalMs` without a byte it is pinged, and one that stays silent
 * for `timeoutMs` more is dead. So a loss is found within both together, without a request, unless much is being sent: then
 * that has time as well. Keeps no process alive.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #interval: NodeJS.Timeout;
  #received: number;
  #changedAt: number = performance.now();
  #asking: Asking | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#received = options.received();
    this.#interval = setInterval(() => this.#tick(), options.intervalMs / LOOKS).unref();
  }

  /** Resolves to whether the peer gives a sign of life within `timeoutMs` from now. */
  check(): Promise<boolean> {
    this.#asking ??= this.#ask();
    return this.#asking.promise;
  }

  /** To be called on a pong or a message. */
  heard(): void {
    this.#asking?.settle(true);
  }

  /** The connection is over. */
  stop(): void {
    clearInterval(this.#interval);
    this.#asking?.settle(false);
  }

  #tick(): void {
    const now = performance.now();
    const { received, intervalMs } = this.#options;
    const total = received();
    if (total !== this.#received) {
      this.#received = total;
      this.#changedAt = now;
    } else if (now - this.#changedAt > (intervalMs * (LOOKS - 1.5)) / LOOKS) void this.check();
  }

  #ask(): Asking {
    const { timeoutMs, received, unsent, ping, dead } = this.#options;
    const before = received();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const settle = (alive: boolean): void => {
      clearTimeout(timer);
      this.#asking = undefined;
      resolve(alive);
    };
    const timer = setTimeout(
      async () => {
        // After a long halt of our own process the timer comes first: what has arrived meanwhile is read before the verdict.
        for (let turn = 0; turn < 2; turn += 1) await new Promise((next) => setImmediate(next));
        if (this.#asking?.promise !== promise) return;
        const alive = received() !== before;
        settle(alive);
        if (!alive) dead();
      },
      timeoutMs + (unsent?.() ?? 0) / BYTES_PER_MS,
    ).unref();
    ping();
    return { promise, settle };
  }
}

interface Asking {
  readonly promise: Promise<boolean>;
  readonly settle: (alive: boolean) => void;
}
