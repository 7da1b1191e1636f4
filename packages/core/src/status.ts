import type { ConnectionState, Driver } from "./driver.ts";
import { describe } from "./options.ts";

/** The `state` and `onStateChange` of a driver that has no pool to keep them. */
export class ConnectionStatus implements Pick<Driver, "state" | "onStateChange"> {
  #state: ConnectionState = { name: "disconnected" };
  readonly #listeners = new Set<(state: ConnectionState) => void>();

  get state(): ConnectionState {
    return this.#state;
  }

  /** `closed` is final: what comes after it changes nothing. */
  set(state: ConnectionState): void {
    if (this.#state.name === "closed") return;
    this.#state = state;
    for (const listener of this.#listeners) {
      try {
        listener(state);
      } catch (fault) {
        // It must fail neither the connection nor those who listen after it.
        process.emitWarning(`a listener of connection states threw (${describe(fault)})`, "DatabaseWarning");
      }
    }
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
