import type { CallContext } from "./context.ts";
import type { Capabilities, ConnectionState, Driver } from "./driver.ts";
import { DatabaseErrorOf, toDatabaseError, unsupported } from "./errors.ts";
import type { Handlers, StatementKind } from "./operation.ts";
import { ConnectionStatus } from "./status.ts";

/** The parts of a driver that have no sensible default are `name` and `statements`. */
export interface DriverParts extends Partial<Omit<Driver, "capabilities" | "state" | "onStateChange" | "statements">> {
  /** In messages, logs and telemetry. */
  readonly name: string;
  /** What is left out answers UNSUPPORTED. */
  readonly statements: Partial<Handlers<StatementKind>>;
  /** What is not named is false. */
  readonly capabilities?: Partial<Capabilities>;
}

/**
 * A driver from its parts: what is left out answers UNSUPPORTED or does nothing, and the connection's state follows
 * `connect` and `disconnect`. For stores without a pool; a driver with one keeps its own state.
 */
export function defineDriver(parts: DriverParts): Driver {
  const status = new ConnectionStatus();
  let dials = 0;
  const missing = (kind: StatementKind) => async (): Promise<never> => {
    throw unsupported(`${kind} on ${parts.name}`);
  };
  return {
    begin: () => Promise.reject(unsupported(`a transaction on ${parts.name}`)),
    ping: async () => {},
    version: async () => "unknown",
    ...parts,
    capabilities: {
      transactions: false,
      savepoints: false,
      idempotentWrites: false,
      liveQueries: false,
      scopes: false,
      queryLanguage: false,
      ...parts.capabilities,
    },
    statements: {
      create: missing("create"),
      read: missing("read"),
      update: missing("update"),
      delete: missing("delete"),
      find: missing("find"),
      count: missing("count"),
      query: missing("query"),
      ...parts.statements,
    },
    get state() {
      return status.state;
    },
    onStateChange: (listener) => status.onStateChange(listener),
    async connect(context: CallContext) {
      if (status.state.name === "closed") throw new DatabaseErrorOf("CLOSED", `${parts.name} is closed`, {});
      dials += 1;
      const dial = dials;
      // One that was given up may end after another has begun, of whose connection it knows nothing.
      const tell = (state: ConnectionState): void => {
        if (dial === dials) status.set(state);
      };
      tell({ name: "connecting", since: performance.now() });
      try {
        await parts.connect?.(context);
        tell({ name: "connected", since: performance.now() });
      } catch (error) {
        tell({ name: "disconnected" });
        throw toDatabaseError(error, "none");
      }
    },
    async disconnect(context: CallContext) {
      status.set({ name: "closed" });
      await parts.disconnect?.(context);
    },
  };
}
