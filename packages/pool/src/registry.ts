import type { ConnectionView } from "./connection-view.ts";
import type { PoolStats } from "./stats.ts";

/** A part of the program that has figures to show. */
export interface LivePool {
  readonly kind: "pool";
  readonly name: string;
  stats(): PoolStats;
  connections(): readonly ConnectionView[];
}

/** Shared by all copies of all packages of the family, so that whoever looks later sees what was made earlier. */
const key = Symbol.for("@db/components");

interface Registry {
  [key]?: Set<WeakRef<object>>;
}

/** Held weakly: a pool that everybody forgot is no longer there. */
export function register(pool: LivePool): () => void {
  const registry = globalThis as Registry;
  registry[key] ??= new Set();
  const components = registry[key];
  for (const reference of components) if (reference.deref() === undefined) components.delete(reference);
  const own = new WeakRef(pool);
  components.add(own);
  return () => {
    components.delete(own);
  };
}

/** Every pool that lives in this process, closed ones no longer. */
export function livePools(): readonly LivePool[] {
  return [...((globalThis as Registry)[key] ?? [])]
    .map((reference) => reference.deref())
    .filter((component): component is LivePool => isPool(component));
}

function isPool(component: object | undefined): boolean {
  return component !== undefined && "kind" in component && component.kind === "pool";
}
