import type { CallContext } from "./context.ts";
import type { Capabilities, Driver } from "./driver.ts";
import { DatabaseErrorOf, toDatabaseError, unsupported } from "./errors.ts";
import type { Handlers, StatementKind } from "./operation.ts";
import { ConnectionStatus } from "./status.ts";

/** The parts of a driver that have no sensible default are `name` and `statements`. */
export interface DriverParts extends Partial<Omit<Driver, "capabilities" | "state" | "onStateChange" | "statements">> {
  readonly name: string;
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
      status.set({ name: "connecting", since: performance.now() });
      try {
        await parts.connect?.(context);
        status.set({ name: "connected", since: performance.now() });
      } catch (error) {
        status.set({ name: "disconnected" });
        throw toDatabaseError(error, "none");
      }
    },
    async disconnect(context: CallContext) {
      status.set({ name: "closed" });
      await parts.disconnect?.(context);
    },
  };
}
