import type { ConnectionState, DriverTarget, DriverView } from "./driver.ts";

/** A part of the program that has facts to show. */
export interface LiveDatabase {
  readonly kind: "database";
  /** The driver's name. */
  readonly name: string;
  readonly target: DriverTarget | undefined;
  readonly state: ConnectionState;
  /** What the server says it is. Asked for when this is first read in a connection; undefined until it has answered. */
  readonly serverVersion: string | undefined;
}

/** Shared by all copies of all packages of the family, so that whoever looks later sees what was made earlier. */
const key = Symbol.for("@db/components");

interface Registry {
  [key]?: Set<WeakRef<object>>;
}

/** Held weakly: a service that everybody forgot is no longer there. */
export function registerLive(database: LiveDatabase): () => void {
  const registry = globalThis as Registry;
  registry[key] ??= new Set();
  const components = registry[key];
  for (const reference of components) if (reference.deref() === undefined) components.delete(reference);
  const own = new WeakRef(database);
  components.add(own);
  return () => {
    components.delete(own);
  };
}

/** Every service that lives in this process, closed ones no longer. */
export function liveDatabases(): readonly LiveDatabase[] {
  return [...((globalThis as Registry)[key] ?? [])]
    .map((reference) => reference.deref())
    .filter((component): component is LiveDatabase => isDatabase(component));
}

function isDatabase(component: object | undefined): boolean {
  return component !== undefined && "kind" in component && component.kind === "database";
}

/** What a service shows of itself. */
export class LiveView implements LiveDatabase {
  readonly kind = "database";
  readonly #driver: DriverView;
  readonly #ask: () => Promise<string>;
  #version: string | undefined;
  /** Of the connection that was asked; another one may lead to another server. */
  #askedOf: number | undefined;

  constructor(driver: DriverView, ask: () => Promise<string>) {
    this.#driver = driver;
    this.#ask = ask;
  }

  get name(): string {
    return this.#driver.name;
  }

  get target(): DriverTarget | undefined {
    return this.#driver.target;
  }

  get state(): ConnectionState {
    return this.#driver.state;
  }

  get serverVersion(): string | undefined {
    const { state } = this;
    if (state.name === "connected" && state.since !== this.#askedOf) this.#learn(state.since);
    return this.#version;
  }

  #learn(since: number): void {
    this.#askedOf = since;
    this.#version = undefined;
    // An answer of the connection before tells nothing of this one.
    this.#ask().then(
      (version) => {
        if (this.#askedOf === since) this.#version = version;
      },
      () => {
        // Whoever looks next asks again.
        if (this.#askedOf === since) this.#askedOf = undefined;
      },
    );
  }
}
