/**
 * Signals this close to the first are the same wish: for one Ctrl-C the terminal signals the service, and so does npm,
 * which it was started by.
 */
const SAME_WISH_MS = 250;

export interface Shutdown {
  /** True from the first signal on. */
  readonly isDraining: boolean;
  /** Fires at the first signal. */
  readonly requested: Promise<NodeJS.Signals>;
}

/** Listens for SIGTERM and SIGINT. A second one, for whoever does not want to wait, calls `giveUp`. */
export function listenForShutdown(signals: NodeJS.EventEmitter, giveUp: () => void): Shutdown {
  let first: number | undefined;
  const requested = new Promise<NodeJS.Signals>((resolve) => {
    const handle = (signal: NodeJS.Signals): void => {
      const now = performance.now();
      first ??= now;
      if (first === now) resolve(signal);
      else if (now - first > SAME_WISH_MS) giveUp();
    };
    signals.on("SIGTERM", handle);
    signals.on("SIGINT", handle);
  });
  return {
    requested,
    get isDraining() {
      return first !== undefined;
    },
  };
}
