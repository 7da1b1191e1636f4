/**
 * What the packages publish on `node:diagnostics_channel`, as far as it is read here. Named by the shape, so that whoever
 * uses one package need not install another; a test holds these types to those of the packages.
 */
export const SOURCES = {
  operation: "db:operation",
  retry: "db:retry",
  poolWait: "db:pool:wait",
  poolRelease: "db:pool:release",
  poolCreated: "db:pool:created",
  poolClosed: "db:pool:closed",
  poolTimeout: "db:pool:timeout",
  queueEnqueue: "db:queue:enqueue",
  queueAck: "db:queue:ack",
  queueReject: "db:queue:reject",
  queueDead: "db:queue:dead",
} as const;

export interface Target {
  readonly system: string;
  readonly namespace?: string | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

export interface OperationEvent {
  readonly driver: string;
  readonly target: Target | undefined;
  readonly namespace: string | undefined;
  readonly kind: string;
  readonly collection: string | undefined;
  readonly operationId: string;
  readonly text: string | undefined;
  readonly startedAt: number;
  readonly rows: number | undefined;
}

export interface RetryEvent {
  readonly policy: string;
  readonly operation: string | undefined;
  readonly attempt: number;
  readonly delayMs: number;
  readonly errorType: string;
  readonly outcome: string;
}

interface PoolEvent {
  readonly pool: string;
}

export interface WaitEvent extends PoolEvent {
  readonly waitedMs: number;
}

export interface ReleaseEvent extends PoolEvent {
  readonly usedMs: number;
}

export interface CreatedEvent extends PoolEvent {
  readonly durationMs: number;
}

export interface ClosedEvent extends PoolEvent {
  readonly reason: string;
  readonly lifetimeMs: number;
}

export type TimeoutEvent = PoolEvent;

export interface QueueEvent {
  readonly queue: string;
}

export interface RejectEvent extends QueueEvent {
  readonly reason: string;
}

/** A service, a pool or a queue that lives in this process. */
export type Component = LiveDatabase | LivePool | LiveQueue;
export type ComponentOf<K extends Component["kind"]> = Extract<Component, { kind: K }>;

export interface LiveDatabase {
  readonly kind: "database";
  readonly name: string;
  readonly target: Target | undefined;
  readonly state: { readonly name: string };
  readonly serverVersion: string | undefined;
}

export interface LivePool {
  readonly kind: "pool";
  readonly name: string;
  stats(): PoolStats;
}

interface PoolStats {
  readonly state: string;
  readonly min: number;
  readonly max: number;
  readonly idle: number;
  readonly inUse: number;
  readonly checking: number;
  readonly creating: number;
  readonly waiting: number;
  readonly acquired: number;
}

export interface LiveQueue {
  readonly kind: "queue";
  readonly name: string;
  stats(): QueueStats;
}

interface QueueStats {
  /** All that is stored, dead letters included. */
  readonly pending: number;
  readonly dead: number;
  readonly bytes: number;
  readonly oldestAgeMs: number;
  /** By reason. */
  readonly rejected: object;
}

const key = Symbol.for("@db/components");

/** Every one of a kind, whoever made it and however long ago. */
export function liveComponents<K extends Component["kind"]>(kind: K): readonly ComponentOf<K>[] {
  const registry = (globalThis as { readonly [key]?: ReadonlySet<WeakRef<object>> })[key] ?? [];
  return [...registry]
    .map((reference) => reference.deref())
    .filter((component): component is ComponentOf<K> => isOfKind(component, kind));
}

function isOfKind(component: object | undefined, kind: string): boolean {
  return component !== undefined && "kind" in component && component.kind === kind;
}
