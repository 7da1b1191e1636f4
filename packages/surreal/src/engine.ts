import { DatabaseErrorOf } from "@db/core";
import { type EngineFactory, type Engines, Surreal } from "surrealdb";
import { ExactCodec } from "./codec.ts";
import type { EmbeddedOptions } from "./options.ts";

/**
 * Opens an embedded engine, or rejects with the engine's own word for why it cannot. The SDK's `connect` never settles
 * then (2.0.8): it listens to every event of its engine but `error`, so we do.
 */
export async function openEngine({ url, namespace, database }: EmbeddedOptions): Promise<Surreal> {
  const factories = await embeddedEngines();
  const failure = Promise.withResolvers<never>();
  const connection = new Surreal({
    engines: listening(factories, url, (error) => failure.reject(error)),
    codecs: { cbor: () => new ExactCodec() },
  });
  try {
    await Promise.race([connection.connect(url, { namespace, database, reconnect: false }), failure.promise]);
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Loaded when it is needed: a service that only talks to a server does not install 150 MB of engine. */
async function embeddedEngines(): Promise<Engines> {
  try {
    const { createNodeEngines } = await import("@surrealdb/node");
    return createNodeEngines();
  } catch (cause) {
    const message = "an embedded engine needs the package @surrealdb/node, which could not be loaded; see cause";
    throw new DatabaseErrorOf("UNSUPPORTED", message, { feature: "an embedded engine" }, { cause });
  }
}

/** The engines with an ear for their errors, and the path as it was written. */
function listening(factories: Engines, url: string, onError: (error: unknown) => void): Engines {
  const wrap =
    (create: EngineFactory): EngineFactory =>
    (context) => {
      const engine = create(context);
      engine.subscribe("error", (error) => onError(error.cause ?? error));
      const open = engine.open.bind(engine);
      engine.open = (state) => {
        // The engine takes the path from here, where URL would have percent-encoded it.
        Object.defineProperty(state.url, "toString", { value: () => url });
        open(state);
      };
      return engine;
    };
  return Object.fromEntries(Object.entries(factories).map(([scheme, create]) => [scheme, wrap(create)]));
}
