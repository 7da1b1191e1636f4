import type { QueueStats } from "./stats.ts";

/** A part of the program that has figures to show. */
export interface LiveQueue {
  readonly kind: "queue";
  readonly name: string;
  stats(): QueueStats;
}

/** Shared by all copies of all packages of the family, so that whoever looks later sees what was made earlier. */
const key = Symbol.for("@db/components");

interface Registry {
  [key]?: Set<WeakRef<object>>;
}

/** Held weakly: a queue that everybody forgot is no longer there. Returns the function that takes it out. */
export function register(queue: LiveQueue): () => void {
  const registry = globalThis as Registry;
  registry[key] ??= new Set();
  const components = registry[key];
  for (const reference of components) if (reference.deref() === undefined) components.delete(reference);
  const own = new WeakRef(queue);
  components.add(own);
  return () => {
    components.delete(own);
  };
}

/** Every queue that is open in this process. */
export function liveQueues(): readonly LiveQueue[] {
  return [...((globalThis as Registry)[key] ?? [])]
    .map((reference) => reference.deref())
    .filter((component): component is LiveQueue => isQueue(component));
}

function isQueue(component: object | undefined): boolean {
  return component !== undefined && "kind" in component && component.kind === "queue";
}
