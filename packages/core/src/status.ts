import type { ConnectionState, Driver } from "./driver.ts";
import { describe } from "./options.ts";

/** The `state` and `onStateChange` of a driver that has no pool to keep them. */
export class ConnectionStatus implements Pick<Driver, "state" | "onStateChange"> {
  #state: ConnectionState = { name: "disconnected" };
  /** An object for each subscription: the same function may have several. */
  readonly #listeners = new Set<{ readonly listener: (state: ConnectionState) => void }>();
  /** States that nobody was told of yet. */
  readonly #news: ConnectionState[] = [];
  #telling = false;

  get state(): ConnectionState {
    return this.#state;
  }

  /** `closed` is final: what comes after it changes nothing. */
  set(state: ConnectionState): void {
    if (this.#state.name === "closed") return;
    this.#state = state;
    this.#news.push(state);
    // Who is told may bring about the next state: the others hear of this one before.
    if (this.#telling) return;
    this.#telling = true;
    for (let news = this.#news.shift(); news !== undefined; news = this.#news.shift()) this.#tell(news);
    this.#telling = false;
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    const own = { listener };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #tell(state: ConnectionState): void {
    // Of those who are here now: one that subscribes anew whenever it is told would be told for ever.
    for (const own of [...this.#listeners]) {
      if (!this.#listeners.has(own)) continue;
      try {
        own.listener(state);
      } catch (fault) {
        // It must fail neither the connection nor those who listen after it.
        process.emitWarning(`a listener of connection states threw (${describe(fault)})`, "DatabaseWarning");
      }
    }
  }
}
